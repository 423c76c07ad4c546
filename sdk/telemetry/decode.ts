import { zstdDecompressSync } from 'node:zlib';
import { limits } from '../contract/index.ts';
import type { Batch, BatchSeries, NumberRange, ReadingColumns } from './batch.ts';
import { inconsistent, label, list, malformed, TelemetryError, whole } from './errors.ts';
import { unpackBytes, unpackVarints, unzigzag } from './packing.ts';
import { unpackValues } from './unpack-values.ts';
import { checkWellFormed } from './well-formed.ts';
import {
  batchVersion,
  cbor,
  qualityKinds,
  seriesEntryBytes,
  type ValueType,
  valueTypes,
  wireElements,
  zstdMagic,
} from './wire.ts';

/**
 * Decodes a batch, all of it or nothing.
 * @throws {TelemetryError} with a code of `sdk/contract` that says why the bytes are not a batch.
 */
export function decodeBatch(bytes: Uint8Array): Batch {
  if (bytes.length > limits.batchBytes) {
    throw new TelemetryError('batch-too-large', `${bytes.length} bytes, at most ${limits.batchBytes}`);
  }
  const wire = parse(inflate(bytes));
  if (!Array.isArray(wire)) throw malformed('not an array');
  if (wire[0] !== batchVersion) {
    throw new TelemetryError(
      'batch-version',
      `version ${label(wire[0])}; this decoder knows ${batchVersion}`,
    );
  }
  if (wire.length !== wireElements) throw malformed(`${wire.length} elements, expected ${wireElements}`);
  const count = whole(wire[9], 'count');
  if (count > limits.batchEntries) {
    throw new TelemetryError('batch-limit', `${count} entries, at most ${limits.batchEntries}`);
  }
  const heads = decodeHeads(wire[8], decodePorts(wire[7]));
  const { positions, lengths } = decodeOrder(wire[10], count, heads.length);
  const times = decodeTimes(wire[11], count);
  const { series, rows, counts } = placeSeries(heads, lengths);
  const anchors = decodeAnchors(wire[14], positions.subarray(rows), times);
  const columns = {
    positions: positions.subarray(0, rows),
    ...decodeBytes(wire[12], rows),
    values: unpackValues(wire[13], counts),
  };
  const oldest = whole(wire[4], 'oldest');
  const first = whole(wire[5], 'first');
  if (oldest > first) throw inconsistent(`oldest held ${oldest} is past the first entry ${first}`);
  if (!Number.isSafeInteger(first + count)) throw malformed('numbers beyond 2^53');
  return {
    epoch: identifier(wire[1], 'epoch'),
    parent: decodeParent(wire[2]),
    boot: identifier(wire[3], 'boot'),
    oldest,
    first,
    dropped: decodeDropped(wire[6]),
    count,
    times,
    series,
    columns,
    anchors,
  };
}

function inflate(bytes: Uint8Array): Uint8Array {
  if (!zstdMagic.every((byte, index) => bytes[index] === byte)) return bytes;
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: limits.batchInflatedBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new TelemetryError('batch-too-large', `inflates beyond ${limits.batchInflatedBytes} bytes`);
    }
    throw malformed('not a zstd frame', error);
  }
}

function parse(bytes: Uint8Array): unknown {
  checkWellFormed(bytes);
  try {
    return cbor.decode(bytes);
  } catch (error) {
    // What is well-formed and still not to be decoded, such as text that is not UTF-8.
    throw malformed('not CBOR', error);
  }
}

function identifier(value: unknown, name: string): string {
  if (value instanceof Uint8Array && value.length === 16) {
    return Buffer.from(value.buffer, value.byteOffset, 16).toString('hex');
  }
  throw malformed(`${name} is not a byte string of 16`);
}

function decodeParent(value: unknown): Batch['parent'] {
  if (value === null) return undefined;
  const parent = list(value, 'parent');
  if (parent.length !== 2) throw malformed('parent is not [epoch, last number]');
  return { epoch: identifier(parent[0], 'parent epoch'), last: whole(parent[1], 'parent last') };
}

function decodeDropped(value: unknown): NumberRange[] {
  const ranges = list(value, 'dropped');
  if (ranges.length > limits.batchDroppedRanges) {
    throw new TelemetryError('batch-limit', `${ranges.length} ranges, at most ${limits.batchDroppedRanges}`);
  }
  let before = -1;
  return ranges.map((item) => {
    const range = list(item, 'dropped range');
    const first = whole(range[0], 'dropped first');
    const last = whole(range[1], 'dropped last');
    if (range.length !== 2) throw malformed('a dropped range is not [first, last]');
    if (first <= before || last < first) throw inconsistent('dropped ranges are not ascending and disjoint');
    before = last;
    return { first, last };
  });
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

interface Head {
  readonly tag: number;
  readonly base: number;
  readonly port: string;
  readonly type: ValueType;
  readonly quality: BatchSeries['quality'];
}

function decodeHeads(value: unknown, ports: readonly string[]): Head[] {
  if (!(value instanceof Uint8Array) || value.length % seriesEntryBytes !== 0) {
    throw malformed(`series is not a byte string of ${seriesEntryBytes} bytes each`);
  }
  const count = value.length / seriesEntryBytes;
  if (count > limits.batchSeries) {
    throw new TelemetryError('batch-limit', `${count} series, at most ${limits.batchSeries}`);
  }
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
    };
  }
  return heads;
}

/** Where the entries of each series stand in the batch, series after series, and last the anchors. */
function decodeOrder(
  value: unknown,
  count: number,
  series: number,
): { positions: Uint32Array; lengths: Uint32Array } {
  const planes = list(value, 'order');
  if (planes.length !== (series < 256 ? 1 : 2)) throw inconsistent('order has the wrong width');
  const low = unpackBytes(planes[0], count);
  const high = planes.length === 2 ? unpackBytes(planes[1], count) : undefined;
  if (low === undefined || (planes.length === 2 && high === undefined)) {
    throw inconsistent(`order does not hold ${count} entries`);
  }
  const lengths = new Uint32Array(series + 1);
  const indices = new Uint16Array(count);
  for (let position = 0; position < count; position++) {
    const index = (low[position] as number) | ((high?.[position] ?? 0) << 8);
    if (index > series) throw inconsistent(`entry ${position} belongs to series ${index} of ${series}`);
    indices[position] = index;
    lengths[index] = (lengths[index] as number) + 1;
  }
  const next = new Uint32Array(series + 1);
  for (let index = 0; index < series; index++) {
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

function decodeTimes(value: unknown, count: number): Float64Array {
  const [start, packed, ...rest] = list(value, 'times');
  if (rest.length > 0) throw malformed('times is not [start, steps]');
  const times = new Float64Array(count);
  let time = whole(start, 'first time');
  const steps = packed instanceof Uint8Array ? unpackVarints(packed, Math.max(count - 1, 0)) : undefined;
  if (packed instanceof Uint8Array && steps === undefined) {
    throw inconsistent(`times does not hold ${count - 1} steps`);
  }
  const interval = steps === undefined ? whole(packed, 'interval of times') : 0;
  for (let index = 0; index < count; index++) {
    if (index > 0) time += unzigzag(steps === undefined ? interval : (steps[index - 1] as number));
    if (!(time >= 0 && time <= limits.monotonicMilliseconds))
      throw inconsistent('a time is before the boot, or a hundred years after it');
    times[index] = time;
  }
  return times;
}

function decodeAnchors(value: unknown, positions: Uint32Array, times: Float64Array): Batch['anchors'] {
  const anchors = list(value, 'anchors');
  if (anchors.length > limits.batchAnchors) {
    throw new TelemetryError('batch-limit', `${anchors.length} anchors, at most ${limits.batchAnchors}`);
  }
  if (anchors.length !== positions.length) {
    throw inconsistent(`${anchors.length} anchors for ${positions.length} entries`);
  }
  return anchors.map((item, index) => {
    const anchor = list(item, 'anchor');
    if (anchor.length !== 2) throw malformed('an anchor is not [wall, uncertainty]');
    const position = positions[index] as number;
    const wall = whole(anchor[0], 'wall time');
    if (wall > limits.wallMilliseconds) throw inconsistent('a wall time is past the year 9999');
    const uncertainty = whole(anchor[1], 'uncertainty');
    return { position, anchor: { kind: 'anchor', monotonic: times[position] as number, wall, uncertainty } };
  });
}

/** Which rows of the columns belong to each series; how many rows, and values of each type, there must be. */
function placeSeries(heads: readonly Head[], lengths: Uint32Array) {
  const counts = Object.fromEntries(valueTypes.map((type) => [type, 0])) as Record<ValueType, number>;
  const series = new Array<BatchSeries>(heads.length);
  let rows = 0;
  for (let index = 0; index < heads.length; index++) {
    const { port, base, tag, quality, type } = heads[index] as Head;
    const length = lengths[index] as number;
    series[index] = {
      port,
      base,
      tag,
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

function decodeBytes(value: unknown, rows: number): Pick<ReadingColumns, 'flags' | 'status' | 'rssi' | 'cv'> {
  const packed = list(value, 'byte columns');
  if (packed.length !== 4) throw malformed('byte columns are not [flags, status, rssi, cv]');
  const [flags, status, rssi, cv] = packed.map((column) => {
    const unpacked = unpackBytes(column, rows);
    if (unpacked === undefined) throw inconsistent(`a byte column does not hold ${rows} bytes`);
    return unpacked;
  }) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  return { flags, status, rssi, cv };
}
