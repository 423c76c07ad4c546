export type { LineReading } from '../telemetry/index.ts';
export {
  isSigned,
  type MalformedLine,
  readLine,
  type SignedLine,
  type SigningKey,
  socketSecret,
  type TokenLine,
  writeSignedLine,
  writeTokenLine,
} from './line.ts';
export type { SocketSecret } from './mac.ts';
export { type ReplyTo, readReply, type SocketReply, writeReply } from './reply.ts';
