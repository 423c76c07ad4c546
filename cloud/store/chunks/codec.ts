import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Value } from '@loadline/sdk/t24';
import type { Quality } from '@loadline/sdk/telemetry';
import {
  Packer,
  packBytes,
  packFloats,
  packIndices,
  packNumbers,
  shuffleInto,
  Unpacker,
  unpackBytes,
  unpackFloats,
  unpackIndices,
  unpackNumbers,
  unshuffleInto,
} from './columns.ts';
import { ChunkError } from './error.ts';
import type { Kind, Origin, Plot, Readings, Rest } from './readings.ts';

/** Readings to bytes and back, byte by byte in README.md beside this file. Pure: no disk, no clock. */

/** The two bodies of a chunk; each is compressed by itself, so that a plot opens only the first. */
export interface ChunkBodies {
  /** Times and values. */
  readonly plot: Uint8Array;
  /** All else of the same readings. */
  readonly rest: Uint8Array;
}

const version = 1;
/** Readings of one chunk at most. */
export const mostReadings = 8192;
/** Bytes of one body once it is inflated: what says it is longer was not written here. */
const mostInflated = 16 * 1024 * 1024;
/** Of zstd: past it chunks grow dearer and hardly smaller. */
const compressionLevel = 6;

/** Value types and quality kinds by their codes. */
const types: readonly Value['type'][] = [
  'none',
  'uint8',
  'uint16',
  'int32',
  'float32',
  'string',
  'binary',
  'float64',
  'nonFinite',
];
const qualities: readonly Quality['kind'][] = ['none', 'radio', 'lqi'];

/** Encodes readings of one series, which stand in order. At most `mostReadings`. */
export function encodeChunk(readings: Readings): ChunkBodies {
  return { plot: compress(packPlot(readings)), rest: compress(packRest(readings)) };
}

/**
 * Times and values.
 *
 * @throws ChunkError where the body is not what `encodeChunk` makes
 */
export function decodePlot(body: Uint8Array): Plot {
  const unpacker = new Unpacker(inflate(body));
  const count = unpackCount(unpacker);
  const times = unpackNumbers(unpacker, count);
  const kinds = Array.from({ length: unpackEntries(unpacker, count) }, () => unpackKind(unpacker));
  const kind = unpackIndices(unpacker, count, kinds.length);
  const others = new Map<number, Value>();
  const only = count === 0 ? undefined : onlyNumeric(kinds);
  const values = only === undefined ? new Float64Array(count) : unpackNumeric(unpacker, only, count);
  if (only === undefined) {
    for (const type of types) unpackValues(unpacker, type, { kinds, kind, values, others });
  }
  unpacker.end();
  return { count, times, values, kind, kinds, others };
}

/**
 * All of the readings, the times and values being decoded already.
 *
 * @throws ChunkError where the body is not what `encodeChunk` made of these readings
 */
export function decodeRest(body: Uint8Array, plot: Plot): Readings {
  const unpacker = new Unpacker(inflate(body));
  const count = unpackCount(unpacker);
  if (count !== plot.count) throw new ChunkError(`it holds ${count} readings beside ${plot.count} times`);
  const epochs = Array.from({ length: unpackEntries(unpacker, count) }, () =>
    unpacker.raw(16).toString('hex'),
  );
  const epoch = unpackIndices(unpacker, count, epochs.length);
  const numbers = unpackNumbers(unpacker, count);
  const monotonic = unpackBeside(unpacker, plot.times);
  const arrivals = unpackBeside(unpacker, plot.times);
  const origins = Array.from({ length: unpackEntries(unpacker, count) }, () => unpackOrigin(unpacker));
  const origin = unpackIndices(unpacker, count, origins.length);
  const [flags, status, rssi, cv] = Array.from({ length: 4 }, () => unpackBytes(unpacker, count)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  unpacker.end();
  return { ...plot, epoch, epochs, numbers, monotonic, arrivals, origin, origins, flags, status, rssi, cv };
}

function packPlot({ count, times, kinds, kind, values, others }: Plot): Packer {
  const packer = new Packer();
  packer.varint(count);
  packNumbers(packer, times);
  packer.varint(kinds.length);
  for (const one of kinds) packKind(packer, one);
  packIndices(packer, kind, kinds.length);
  const only = onlyNumeric(kinds);
  if (only !== undefined) packNumeric(packer, only, values);
  else for (const type of types) packValues(packer, type, { kinds, kind, values, others });
  return packer;
}

function packRest(readings: Plot & Rest): Packer {
  const { count, times, epochs, epoch, numbers, monotonic, arrivals, origins, origin } = readings;
  const packer = new Packer();
  packer.varint(count);
  packer.varint(epochs.length);
  for (const one of epochs) packer.raw(Buffer.from(one, 'hex'));
  packIndices(packer, epoch, epochs.length);
  packNumbers(packer, numbers);
  packBeside(packer, monotonic, times, true);
  // Readings that came together have one arrival; of those that came one by one, the way here was about equally long.
  let together = 0;
  for (let row = 1; row < count; row++) if (arrivals[row] === arrivals[row - 1]) together++;
  packBeside(packer, arrivals, times, together * 2 < count);
  packer.varint(origins.length);
  for (const { port, base, quality } of origins) {
    packer.block(Buffer.from(port));
    packer.u8(base);
    packer.u8(qualities.indexOf(quality));
  }
  packIndices(packer, origin, origins.length);
  for (const column of [readings.flags, readings.status, readings.rssi, readings.cv])
    packBytes(packer, column);
  return packer;
}

/** Packs a column as what each is more than `base`, where that is wished and exact; else as it is. */
function packBeside(packer: Packer, column: Float64Array, base: Float64Array, wished: boolean): void {
  const more = new Float64Array(column.length);
  let exact = wished;
  for (let row = 0; row < column.length && exact; row++) {
    more[row] = (column[row] as number) - (base[row] as number);
    exact = (base[row] as number) + (more[row] as number) === column[row];
  }
  packer.u8(exact ? 1 : 0);
  packNumbers(packer, exact ? more : column);
}

function unpackBeside(unpacker: Unpacker, base: Float64Array): Float64Array {
  const form = unpacker.u8();
  if (form > 1) throw new ChunkError(`there is no form ${form} of times`);
  const column = unpackNumbers(unpacker, base.length);
  if (form === 1)
    for (let row = 0; row < column.length; row++)
      column[row] = (base[row] as number) + (column[row] as number);
  return column;
}

function packKind(packer: Packer, { type, calibration }: Kind): void {
  packer.u8(types.indexOf(type));
  packer.u8(calibration === undefined ? 0 : 1);
  if (calibration === undefined) return;
  packer.f64(calibration.gain);
  packer.f64(calibration.offset);
}

function unpackKind(unpacker: Unpacker): Kind {
  const type = types[unpacker.u8()];
  if (type === undefined) throw new ChunkError('it has values of an unknown type');
  const calibrated = unpacker.u8();
  if (calibrated > 1) throw new ChunkError(`there is no form ${calibrated} of calibration`);
  if (calibrated === 0) return { type, calibration: undefined };
  return { type, calibration: { gain: unpacker.f64(), offset: unpacker.f64() } };
}

function unpackOrigin(unpacker: Unpacker): Origin {
  const port = unpacker.block().toString();
  const base = unpacker.u8();
  const quality = qualities[unpacker.u8()];
  if (quality === undefined) throw new ChunkError('it has quality of an unknown kind');
  return { port, base, quality };
}

type ValueColumns = Pick<Plot, 'kinds' | 'kind' | 'values'> & { readonly others: Map<number, Value> };

/** Rows whose value is of this type. */
function rowsOf(type: Value['type'], { kinds, kind }: Pick<Plot, 'kinds' | 'kind'>): Uint32Array {
  const are = kinds.map((one) => one.type === type);
  const rows = new Uint32Array(are.includes(true) ? kind.length : 0);
  if (rows.length === 0) return rows;
  let count = 0;
  for (let row = 0; row < kind.length; row++) if (are[kind[row] as number]) rows[count++] = row;
  return rows.subarray(0, count);
}

/** The values of these rows, one after the other. */
function numbersOf(rows: Uint32Array, values: Float64Array): Float64Array {
  const numbers = new Float64Array(rows.length);
  for (let at = 0; at < rows.length; at++) numbers[at] = values[rows[at] as number] as number;
  return numbers;
}

type Numeric = 'uint8' | 'uint16' | 'int32' | 'float32' | 'float64';

/** The type of all values, where they have but one and it is one of numbers. */
function onlyNumeric(kinds: readonly Kind[]): Numeric | undefined {
  const type = kinds[0]?.type;
  if (type === undefined || !kinds.every((one) => one.type === type)) return undefined;
  return type === 'none' || type === 'string' || type === 'binary' || type === 'nonFinite' ? undefined : type;
}

function packNumeric(packer: Packer, type: Numeric, numbers: Float64Array): void {
  switch (type) {
    case 'float32':
      packFloats(packer, new Float32Array(numbers));
      return;
    case 'float64':
      packFloats(packer, numbers);
      return;
    default:
      packNumbers(packer, numbers);
  }
}

function packValues(
  packer: Packer,
  type: Value['type'],
  plot: Omit<ValueColumns, 'others'> & Pick<Plot, 'others'>,
) {
  const rows = rowsOf(type, plot);
  if (rows.length === 0) return;
  const { values } = plot;
  const others = () => [...rows].map((row) => plot.others.get(row));
  switch (type) {
    case 'none':
      return;
    case 'uint8':
    case 'uint16':
    case 'int32':
    case 'float32':
    case 'float64':
      packNumeric(packer, type, numbersOf(rows, values));
      return;
    case 'nonFinite': {
      const bits = Uint32Array.from(others(), (value) => (value?.type === 'nonFinite' ? value.bits : 0));
      shuffleInto(packer.room(bits.byteLength), new Uint8Array(bits.buffer), 4);
      return;
    }
    case 'string':
      for (const value of others()) packer.block(Buffer.from(value?.type === 'string' ? value.value : ''));
      return;
    case 'binary':
      for (const value of others()) packer.block(value?.type === 'binary' ? value.value : Buffer.alloc(0));
  }
}

function unpackNumeric(unpacker: Unpacker, type: Numeric, count: number): Float64Array {
  switch (type) {
    case 'float32':
      return unpackFloats(unpacker, count, Float32Array);
    case 'float64':
      return unpackFloats(unpacker, count, Float64Array);
    default:
      return unpackNumbers(unpacker, count);
  }
}

function unpackValues(unpacker: Unpacker, type: Value['type'], plot: ValueColumns): void {
  const { values, others } = plot;
  const rows = rowsOf(type, plot);
  if (rows.length === 0) return;
  const placeOthers = (next: (at: number) => Value) => {
    rows.forEach((row, at) => {
      others.set(row, next(at));
      values[row] = Number.NaN;
    });
  };
  switch (type) {
    case 'none':
      for (const row of rows) values[row] = Number.NaN;
      return;
    case 'uint8':
    case 'uint16':
    case 'int32':
    case 'float32':
    case 'float64': {
      const numbers = unpackNumeric(unpacker, type, rows.length);
      rows.forEach((row, at) => {
        values[row] = numbers[at] as number;
      });
      return;
    }
    case 'nonFinite': {
      const bits = new Uint32Array(rows.length);
      unshuffleInto(new Uint8Array(bits.buffer), unpacker.raw(bits.byteLength), 4);
      placeOthers((at) => ({ type, bits: bits[at] as number }));
      return;
    }
    case 'string':
      placeOthers(() => ({ type, value: unpacker.block().toString() }));
      return;
    case 'binary':
      placeOthers(() => ({ type, value: Uint8Array.from(unpacker.block()) }));
      return;
  }
}

function unpackCount(unpacker: Unpacker): number {
  const count = unpacker.varint();
  if (count > mostReadings)
    throw new ChunkError(`it says it holds ${count} readings, more than ${mostReadings}`);
  return count;
}

/** Entries of a dictionary: no more than there are readings. */
function unpackEntries(unpacker: Unpacker, count: number): number {
  const entries = unpacker.varint();
  if (entries > count) throw new ChunkError(`a dictionary of ${entries} entries for ${count} readings`);
  return entries;
}

function compress(packer: Packer): Uint8Array {
  const bytes = packer.done();
  const frame = zstdCompressSync(bytes, {
    params: {
      [constants.ZSTD_c_compressionLevel]: compressionLevel,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
    pledgedSrcSize: bytes.length,
  });
  return Buffer.concat([Buffer.of(version), frame]);
}

function inflate(body: Uint8Array): Buffer {
  if (body[0] !== version)
    throw new ChunkError(`it is of version ${body[0] ?? 'none'}, this program knows ${version}`);
  try {
    return zstdDecompressSync(body.subarray(1), { maxOutputLength: mostInflated });
  } catch (error) {
    throw new ChunkError((error as Error).message, { cause: error });
  }
}
