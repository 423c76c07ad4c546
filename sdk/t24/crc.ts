const table = new Uint16Array(256);
for (let byte = 0; byte < 256; byte++) {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) {
    remainder = (remainder & 1) === 1 ? (remainder >>> 1) ^ 0xa001 : remainder >>> 1;
  }
  table[byte] = remainder;
}

/**
 * CRC-16/MODBUS of `bytes[start..end)`: initial value 0xFFFF, reflected polynomial 0xA001, no final XOR.
 * The check value, for the ASCII bytes `123456789`, is 0x4B37. A T24 frame carries it low byte first.
 */
export function crc16(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = 0xffff;
  for (let index = start; index < end; index++) {
    // Both indices are in range by construction: `?? 0` would cost a tenth of the framer's speed.
    crc = (crc >>> 8) ^ (table[(crc ^ (bytes[index] as number)) & 0xff] as number);
  }
  return crc;
}
