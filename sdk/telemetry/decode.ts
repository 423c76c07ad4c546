import { limits } from '../contract/index.ts';
import type { Batch, NumberRange, ReadingColumns } from './batch.ts';
import { decodeAnchors, decodeEvents } from './decode-records.ts';
import { countSeries, decodeOrder, decodeSeries, type ValueCounts } from './decode-series.ts';
import { inconsistent, label, list, malformed, TelemetryError, whole } from './errors.ts';
import { inflate } from './inflate.ts';
import { unpackBytes, unpackVarintsInto, unzigzag } from './packing.ts';
import { aspects } from './reading.ts';
import { unpackValues } from './unpack-values.ts';
import { checkWellFormed } from './well-formed.ts';
import { batchVersion, cbor, wireElements } from './wire.ts';

/**
 * Decodes a batch of any version up to this one's, all of it or nothing.
 * @throws {TelemetryError} with a code of `sdk/contract` that says why the bytes are not a batch.
 */
export function decodeBatch(bytes: Uint8Array): Batch {
  if (bytes.length > limits.batchBytes) {
    throw new TelemetryError('batch-too-large', `${bytes.length} bytes, at most ${limits.batchBytes}`);
  }
  const wire = parse(inflate(bytes));
  if (!Array.isArray(wire)) throw malformed('not an array');
  const version = decodeVersion(wire);
  const count = whole(wire[9], 'count');
  if (count > limits.batchEntries) {
    throw new TelemetryError('batch-limit', `${count} entries, at most ${limits.batchEntries}`);
  }
  const known = countSeries(wire[8]);
  // Besides readings, version 1 knows anchors only.
  const { positions, lengths } = decodeOrder(wire[10], count, known + (version === 1 ? 1 : 2));
  const { series, rows, counts } = decodeSeries(
    {
      ports: wire[7],
      series: wire[8],
      // All series of version 1 are as heard, and not calibrated.
      aspects: version === 1 ? aspects.indexOf('heard') : wire[15],
      calibrations: version === 1 ? null : wire[16],
    },
    lengths,
  );
  const times = decodeTimes(wire[11], count);
  const events = rows + (lengths[known] as number);
  const columns = decodeColumns(wire, positions.subarray(0, rows), counts);
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
    anchors: decodeAnchors(wire[14], positions.subarray(rows, events), times),
    events: version === 1 ? [] : decodeEvents(wire[17], positions.subarray(events), times),
  };
}

function decodeVersion(wire: readonly unknown[]): number {
  const version = wire[0];
  const elements = typeof version === 'number' ? wireElements[version] : undefined;
  if (elements === undefined) {
    const known = `this decoder knows versions up to ${batchVersion}`;
    throw new TelemetryError('batch-version', `version ${label(version)}; ${known}`);
  }
  if (wire.length !== elements) throw malformed(`${wire.length} elements, expected ${elements}`);
  return version as number;
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

function decodeTimes(value: unknown, count: number): Float64Array {
  const [start, packed, ...rest] = list(value, 'times');
  if (rest.length > 0) throw malformed('times is not [start, steps]');
  const times = new Float64Array(count);
  let time = whole(start, 'first time');
  if (packed instanceof Uint8Array) {
    if (!unpackVarintsInto(times.subarray(1), packed)) {
      throw inconsistent(`times does not hold ${count - 1} steps`);
    }
  } else times.fill(whole(packed, 'interval of times'), 1);
  for (let index = 0; index < count; index++) {
    if (index > 0) time += unzigzag(times[index] as number);
    if (!(time >= 0 && time <= limits.monotonicMilliseconds))
      throw inconsistent('a time is before the boot, or a hundred years after it');
    times[index] = time;
  }
  return times;
}

function decodeColumns(
  wire: readonly unknown[],
  positions: Uint32Array,
  counts: ValueCounts,
): ReadingColumns {
  const packed = list(wire[12], 'byte columns');
  if (packed.length !== 4) throw malformed('byte columns are not [flags, status, rssi, cv]');
  const rows = positions.length;
  const bytes = (column: unknown): Uint8Array => {
    const unpacked = unpackBytes(column, rows);
    if (unpacked === undefined) throw inconsistent(`a byte column does not hold ${rows} bytes`);
    return unpacked;
  };
  return {
    positions,
    flags: bytes(packed[0]),
    status: bytes(packed[1]),
    rssi: bytes(packed[2]),
    cv: bytes(packed[3]),
    values: unpackValues(wire[13], counts),
  };
}
