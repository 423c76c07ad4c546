export { commands, everyModule, isBroadcastPause, parameters } from './commands.ts';
export { crc16 } from './crc.ts';
export { T24Error, type T24ErrorCode } from './errors.ts';
export { encodeFrame } from './frame.ts';
export { type DiscardReason, type Framed, Framer, stallMilliseconds } from './framer.ts';
export {
  encodeGw1Line,
  type Gw1DiscardReason,
  type Gw1Framed,
  Gw1Framer,
  type Gw1Line,
  maxGw1LineBytes,
} from './gw1.ts';
export {
  dataTypes,
  frameOverheadBytes,
  maxDataBytes,
  maxFrameBytes,
  maxPacketBytes,
  packetFlags,
  packetTypes,
  statusBits,
} from './layout.ts';
export type { DataProviderPacket, Heard, MalformedReason, Packet, TypedData } from './packet.ts';
export { decodePacket } from './packet-decode.ts';
export { encodePacket } from './packet-encode.ts';
export { correlation, linkQuality, linkQualityPercent, rssiDecibels } from './quality.ts';
export { tagName } from './tag.ts';
export { type PowerAction, powerPacket } from './transmission.ts';
export type { Value } from './value.ts';
