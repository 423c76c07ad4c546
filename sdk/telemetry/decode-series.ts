import { limits } from '../contract/index.ts';
import type { BatchSeries } from './batch.ts';
import { inconsistent, list, malformed, TelemetryError } from './errors.ts';
import { unpackBytes, unpackIndices } from './packing.ts';
import { type Aspect, aspects, type Calibration } from './reading.ts';
import { qualityKinds, seriesEntryBytes, type ValueType, valueTypes } from './wire.ts';

/** What a series is, before it is known which readings are its own. */
export type Head = Omit<BatchSeries, 'start' | 'end' | 'valueStart'>;

/** The series of a batch as they travel. */
export interface PackedSeries {
  readonly ports: unknown;
  readonly series: unknown;
  readonly aspects: unknown;
  readonly calibrations: unknown;
}

/** Tag, base, port, form, aspect and calibration of each series. */
export function decodeSeries(packed: PackedSeries): Head[] {
  const ports = decodePorts(packed.ports);
  const { series: value } = packed;
  if (!(value instanceof Uint8Array) || value.length % seriesEntryBytes !== 0) {
    throw malformed(`series is not a byte string of ${seriesEntryBytes} bytes each`);
  }
  const count = value.length / seriesEntryBytes;
  if (count > limits.batchSeries) {
    throw new TelemetryError('batch-limit', `${count} series, at most ${limits.batchSeries}`);
  }
  const aspectOf = decodeAspects(packed.aspects, count);
  const calibrationOf = decodeCalibrations(packed.calibrations, count);
  const heads = new Array<Head>(count);
  for (let index = 0; index < count; index++) {
    const at = index * seriesEntryBytes;
    const base = value[at + 2] as number;
    const port = ports[value[at + 3] as number];
    const form = value[at + 4] as number;
    const type = valueTypes[form & 0x0f];
    const quality = qualityKinds[form >> 4];
    if (port === undefined) throw inconsistent(`series ${index} names a port that is not listed`);
    if (type === undefined || quality === undefined) throw inconsistent(`series ${index} has form ${form}`);
    if (base > 16) throw inconsistent(`series ${index} has base address ${base}, at most 16`);
    heads[index] = {
      tag: ((value[at] as number) << 8) | (value[at + 1] as number),
      base,
      port,
      type,
      quality,
      aspect: aspectOf(index),
      calibration: calibrationOf(index),
    };
  }
  return heads;
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

function decodeAspects(value: unknown, series: number): (series: number) => Aspect {
  const codes = unpackBytes(value, series);
  if (codes === undefined) throw inconsistent(`aspects does not hold ${series} of them`);
  const unknown = codes.find((code) => code >= aspects.length);
  if (unknown !== undefined) throw inconsistent(`a series has aspect ${unknown}`);
  return (index) => aspects[codes[index] as number] as Aspect;
}

function decodeCalibrations(value: unknown, series: number): (series: number) => Calibration | undefined {
  if (value === null) return () => undefined;
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
  readonly positions: Uint32Array;
  /** Entries of each series, and last of each kind that is none. */
  readonly lengths: Uint32Array;
}

/** `kinds`: series, and the kinds of entries besides readings, each of which has an index past the series'. */
export function decodeOrder(value: unknown, count: number, kinds: number): Order {
  const indices = unpackIndices(list(value, 'order'), count, kinds);
  if (indices === undefined) throw inconsistent(`order does not hold ${count} entries of ${kinds} kinds`);
  const lengths = new Uint32Array(kinds);
  for (let position = 0; position < count; position++) {
    const index = indices[position] as number;
    lengths[index] = (lengths[index] as number) + 1;
  }
  const next = new Uint32Array(kinds);
  for (let index = 0; index < kinds - 1; index++) {
    next[index + 1] = (next[index] as number) + (lengths[index] as number);
  }
  const positions = new Uint32Array(count);
  for (let position = 0; position < count; position++) {
    const index = indices[position] as number;
    const at = next[index] as number;
    positions[at] = position;
    next[index] = at + 1;
  }
  return { positions, lengths };
}

/** Which rows of the columns belong to each series; how many rows, and values of each type, there must be. */
export function placeSeries(heads: readonly Head[], lengths: Uint32Array) {
  const counts = Object.fromEntries(valueTypes.map((type) => [type, 0])) as Record<ValueType, number>;
  const series = new Array<BatchSeries>(heads.length);
  let rows = 0;
  for (let index = 0; index < heads.length; index++) {
    const { port, base, tag, aspect, calibration, quality, type } = heads[index] as Head;
    const length = lengths[index] as number;
    series[index] = {
      port,
      base,
      tag,
      aspect,
      calibration,
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
