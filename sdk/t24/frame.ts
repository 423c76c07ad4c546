import { isBroadcastPause } from './commands.ts';
import { crc16 } from './crc.ts';
import { T24Error } from './errors.ts';
import { firstBase, frameOverheadBytes, lastBase, maxPacketBytes } from './layout.ts';

/**
 * Wraps a packet into the frame that goes between base station and host (drawn in README.md).
 *
 * @param base base station address, 1..16
 * @param packet 1..71 bytes, as `encodePacket` makes them
 * @throws T24Error `base-address`, `packet-length`, `broadcast-pause`
 */
export function encodeFrame(base: number, packet: Uint8Array): Uint8Array {
  if (!Number.isInteger(base) || base < firstBase || base > lastBase) {
    throw new T24Error(
      'base-address',
      `base address ${base} is not a whole number ${firstBase}..${lastBase}`,
    );
  }
  const size = packet.length;
  if (size < 1 || size > maxPacketBytes) {
    throw new T24Error('packet-length', `a packet has 1..${maxPacketBytes} bytes; this one has ${size}`);
  }
  if (isBroadcastPause(packet)) {
    throw new T24Error('broadcast-pause', 'pausing every module in range is refused; name one module');
  }
  const frame = new Uint8Array(size + frameOverheadBytes);
  frame[0] = size;
  frame[1] = size;
  frame[2] = base;
  frame.set(packet, 3);
  const crc = crc16(frame, 0, size + 3);
  frame[size + 3] = crc & 0xff;
  frame[size + 4] = crc >>> 8;
  return frame;
}
