import { limits } from '../contract/index.ts';
import type { BatchSeries } from './batch.ts';
import { inconsistent, list, malformed, TelemetryError } from './errors.ts';
import { unpackBytes, unpackIndices } from './packing.ts';
import { type Aspect, aspects, type Calibration } from './reading.ts';
import { qualityKinds, seriesEntryBytes, type ValueType, valueTypes } from './wire.ts';

/** The series of a batch as they travel. */
export interface PackedSeries {
  readonly ports: unknown;
  readonly series: unknown;
  readonly aspects: unknown;
  readonly calibrations: unknown;
}

/** How many values of each type a batch has. */
export type ValueCounts = Record<ValueType, number>;

/** How many series there are: the length of their column. */
export function countSeries(series: unknown): number {
  if (!(series instanceof Uint8Array) || series.length % seriesEntryBytes !== 0) {
    throw malformed(`series is not a byte string of ${seriesEntryBytes} bytes each`);
  }
  const count = series.length / seriesEntryBytes;
  if (count > limits.batchSeries) {
    throw new TelemetryError('batch-limit', `${count} series, at most ${limits.batchSeries}`);
  }
  return count;
}

/** The series, each with `lengths[index]` rows of the columns, behind those of the one before. */
export function decodeSeries(
  packed: PackedSeries,
  lengths: Uint32Array,
): { series: BatchSeries[]; rows: number; counts: ValueCounts } {
  const ports = decodePorts(packed.ports);
  const heads = packed.series as Uint8Array;
  const count = heads.length / seriesEntryBytes;
  const aspectCodes = decodeAspects(packed.aspects, count);
  const calibrationOf = decodeCalibrations(packed.calibrations, count);
  const counts: ValueCounts = {
    none: 0,
    uint8: 0,
    uint16: 0,
    int32: 0,
    float32: 0,
    string: 0,
    binary: 0,
    float64: 0,
  };
  const series = new Array<BatchSeries>(count);
  let rows = 0;
  for (let index = 0; index < count; index++) {
    const at = index * seriesEntryBytes;
    const base = heads[at + 2] as number;
    const port = ports[heads[at + 3] as number];
    const form = heads[at + 4] as number;
    const type = valueTypes[form & 0x0f];
    const quality = qualityKinds[form >> 4];
    if (port === undefined) throw inconsistent(`series ${index} names a port that is not listed`);
    if (type === undefined || quality === undefined) throw inconsistent(`series ${index} has form ${form}`);
    if (base > 16) throw inconsistent(`series ${index} has base address ${base}, at most 16`);
    const length = lengths[index] as number;
    series[index] = {
      port,
      base,
      tag: ((heads[at] as number) << 8) | (heads[at + 1] as number),
      aspect: aspects[aspectCodes[index] as number] as Aspect,
      calibration: calibrationOf?.(index),
      quality,
      type,
      start: rows,
      end: rows + length,
      valueStart: counts[type],
    };
    rows += length;
    counts[type] += length;
  }
  return { series, rows, counts };
}

function decodePorts(value: unknown): string[] {
  const ports = list(value, 'ports');
  if (ports.length > limits.batchPorts) {
    throw new TelemetryError('batch-limit', `${ports.length} ports, at most ${limits.batchPorts}`);
  }
  return ports.map((port) => {
    if (typeof port !== 'string' || Buffer.byteLength(port) > limits.portNameBytes) {
      throw malformed(`a port name is not text of at most ${limits.portNameBytes} bytes`);
    }
    return port;
  });
}

function decodeAspects(value: unknown, series: number): Uint8Array {
  const codes = unpackBytes(value, series);
  if (codes === undefined) throw inconsistent(`aspects does not hold ${series} of them`);
  for (let index = 0; index < series; index++) {
    if ((codes[index] as number) >= aspects.length)
      throw inconsistent(`series ${index} has aspect ${codes[index]}`);
  }
  return codes;
}

/** The calibration of a series by its index; undefined where none has one. */
function decodeCalibrations(
  value: unknown,
  series: number,
): ((series: number) => Calibration | undefined) | undefined {
  if (value === null) return undefined;
  const [pairs, ...columns] = list(value, 'calibrations');
  if (!(pairs instanceof Float64Array)) throw malformed('calibrations are not float64 numbers');
  // An odd one out would be a gain without its offset; none at all is said by null.
  if (pairs.length === 0 || pairs.length % 2 !== 0) throw inconsistent('calibrations are not pairs');
  if (pairs.length > 2 * series) throw inconsistent('there are more calibrations than series');
  if (!pairs.every(Number.isFinite)) throw inconsistent('a calibration is not a finite number');
  const calibrations: (Calibration | undefined)[] = [undefined];
  for (let at = 0; at < pairs.length; at += 2) {
    calibrations.push({ gain: pairs[at] as number, offset: pairs[at + 1] as number });
  }
  const indices = unpackIndices(columns, series, calibrations.length);
  if (indices === undefined) throw inconsistent('the calibrations do not fit the series');
  return (index) => calibrations[indices[index] as number];
}

/** Where the entries of each series stand in the batch, series after series, and after them those of no series. */
export interface Order {
  /** Only to be read. */
  readonly positions: Uint32Array;
  /** Entries of each series, and last of each kind that is none; good until the next batch is decoded. */
  readonly lengths: Uint32Array;
}

/** 0, 1, 2 …: the positions of a batch whose entries already stand series after series. */
const inOrder = Uint32Array.from({ length: limits.batchEntries }, (_, position) => position);

/** Used again for every batch: decoding is not interrupted. */
const lengthOf = new Uint32Array(limits.batchSeries + 2);
const nextOf = new Uint32Array(limits.batchSeries + 2);

/** `kinds`: series, and the kinds of entries besides readings, each of which has an index past the series'. */
export function decodeOrder(value: unknown, count: number, kinds: number): Order {
  const indices = unpackIndices(list(value, 'order'), count, kinds);
  if (indices === undefined) throw inconsistent(`order does not hold ${count} entries of ${kinds} kinds`);
  const lengths = lengthOf.subarray(0, kinds).fill(0);
  let before = 0;
  let ascending = true;
  for (let position = 0; position < count; position++) {
    const index = indices[position] as number;
    lengths[index] = (lengths[index] as number) + 1;
    if (index < before) ascending = false;
    before = index;
  }
  if (ascending) return { positions: inOrder.subarray(0, count), lengths };
  nextOf[0] = 0;
  for (let index = 0; index < kinds - 1; index++) {
    nextOf[index + 1] = (nextOf[index] as number) + (lengths[index] as number);
  }
  const positions = new Uint32Array(count);
  for (let position = 0; position < count; position++) {
    const index = indices[position] as number;
    const at = nextOf[index] as number;
    positions[at] = position;
    nextOf[index] = at + 1;
  }
  return { positions, lengths };
}
