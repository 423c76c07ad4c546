export {
  type Batch,
  type BatchHeader,
  type BatchSeries,
  entriesOf,
  type NumberRange,
  numberAt,
  numberedFrom,
  readingAt,
  wallBoot,
} from './batch.ts';
export { decodeBatch } from './decode.ts';
export { encodeBatch, entryWeight } from './encode.ts';
export { TelemetryError } from './errors.ts';
export { type EventWords, gatewayEvent } from './event.ts';
export { type ReadingsForm, readNamed } from './named.ts';
export { isSeriesName, type NamedReading } from './named-reading.ts';
export {
  type Anchor,
  type Aspect,
  aspects,
  type Calibration,
  type Entry,
  type ForeignEventCode,
  type GatewayEvent,
  physical,
  type Quality,
  type Reading,
} from './reading.ts';
export { type LineReading, writeReadingsLine } from './readings-line.ts';
export { type SenmlForm, SenmlWriter, writeSenml } from './senml-write.ts';
export { parseSeriesName, type SeriesOfTag, seriesName } from './series-name.ts';
