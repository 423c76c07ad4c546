export {
  type Batch,
  type BatchHeader,
  type BatchSeries,
  entriesOf,
  type NumberRange,
  numberAt,
  readingAt,
} from './batch.ts';
export { decodeBatch } from './decode.ts';
export { encodeBatch, entryWeight } from './encode.ts';
export { TelemetryError } from './errors.ts';
export type { Anchor, Aspect, Calibration, Entry, GatewayEvent, Quality, Reading } from './reading.ts';
