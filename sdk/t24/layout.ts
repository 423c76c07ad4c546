/** Sizes and bit layout of T24 packets, drawn in README.md. Source: T24 Technical Manual. */

/** Type of a packet: bits 4..0 of its first byte. Every other number is unknown, and handed on raw. */
export const packetTypes = {
  dataProvider: 0x03,
  read: 0x05,
  write: 0x06,
  ack: 0x07,
  nak: 0x08,
  timeout: 0x09,
  dataInvalid: 0x0a,
  pairRequest: 0x13,
  pairResponse: 0x14,
} as const;

/** Bits 7..5 of a packet's first byte. */
export const packetFlags = { error: 0x80, batteryLow: 0x40, broadcast: 0x20 } as const;

/**
 * Bits of a data provider's status byte. Bits 0 and 1 are certain (A); the others are documented for most
 * acquisition modules (B), and bits 2 and 3 are reserved. Wind transmitters on record send 0x1C all the
 * time, so a set bit 4 does not mean that the transmitter has just been switched on. Keep the raw byte.
 */
export const statusBits = {
  shuntCalibration: 0x01,
  integrityError: 0x02,
  powerUp: 0x10,
  batteryLow: 0x20,
  digitalInput: 0x40,
  digitalOutput: 0x80,
} as const;

/** Data types: bits 2..0 of the data type byte. 7 is not documented. The upper bits are a display hint. */
export const dataTypes = {
  none: 0,
  uint8: 1,
  uint16: 2,
  int32: 3,
  float32: 4,
  string: 5,
  binary: 6,
} as const;

/** Bytes of the longest string or binary data. */
export const maxDataBytes = 64;
/** Bytes of the longest packet: a data provider or an ACK with 64 bytes of data. */
export const maxPacketBytes = 7 + maxDataBytes;
/** Bytes a frame adds to its packet: two lengths, base address, CRC. */
export const frameOverheadBytes = 5;
/** Bytes of the longest frame, and so the most a framer ever holds. */
export const maxFrameBytes = maxPacketBytes + frameOverheadBytes;

export const firstBase = 1;
export const lastBase = 16;

/** Packet sizes per type (index: bits 4..0 of the first byte), smallest and largest. */
const smallest = new Uint8Array(32).fill(1);
const largest = new Uint8Array(32).fill(maxPacketBytes);
const bounds: readonly (readonly [type: number, least: number, most: number])[] = [
  [packetTypes.dataProvider, 7, maxPacketBytes],
  [packetTypes.read, 5, 5],
  [packetTypes.write, 6, 6 + maxDataBytes],
  [packetTypes.ack, 6, maxPacketBytes],
  [packetTypes.nak, 6, 6],
  [packetTypes.timeout, 6, 6],
  [packetTypes.dataInvalid, 6, 6],
  [packetTypes.pairRequest, 5, 6],
  [packetTypes.pairResponse, 8, 8],
];
for (const [type, least, most] of bounds) {
  smallest[type] = least;
  largest[type] = most;
}

/** Whether a packet with this first byte can be `size` bytes long, as far as the first byte tells. */
export function packetSizeFits(firstByte: number, size: number): boolean {
  const type = firstByte & 0x1f;
  return size >= (smallest[type] as number) && size <= (largest[type] as number);
}

/** Whether data of this raw data type byte can be `size` bytes long; never for the undocumented type 7. */
export function dataSizeFits(dataType: number, size: number): boolean {
  switch (dataType & 0x07) {
    case dataTypes.none:
      return size === 0;
    case dataTypes.uint8:
      return size === 1;
    case dataTypes.uint16:
      return size === 2;
    case dataTypes.int32:
    case dataTypes.float32:
      return size === 4;
    case dataTypes.string:
    case dataTypes.binary:
      return size >= 0 && size <= maxDataBytes;
    default:
      return false;
  }
}
