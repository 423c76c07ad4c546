export {
  type Batch,
  type BatchHeader,
  entriesOf,
  type NumberRange,
  numberAt,
  readingAt,
  type SeriesColumns,
  type ValueColumn,
  valueAt,
} from './batch.ts';
export { decodeBatch } from './decode.ts';
export { encodeBatch, entryWeight } from './encode.ts';
export { TelemetryError } from './errors.ts';
export type { Anchor, Entry, Quality, Reading } from './reading.ts';
