import { limits } from '../contract/index.ts';

/** The small packings the batch codec is made of. All lengths are checked; nothing here trusts its input. */

/** LEB128 of whole numbers 0..2^53-1, one after the other. */
export function packVarints(numbers: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(numbers.length * 8);
  let at = 0;
  for (let index = 0; index < numbers.length; index++) {
    let rest = numbers[index] as number;
    while (rest >= 0x80) {
      bytes[at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    bytes[at++] = rest;
  }
  return bytes.slice(0, at);
}

/**
 * Fills `numbers` with the LEB128 numbers in `bytes`. Whether they are exactly as many, and none is beyond 2^53-1; where
 * not, `numbers` holds nothing of use.
 */
export function unpackVarintsInto(numbers: Float64Array, bytes: Uint8Array): boolean {
  const { length } = bytes;
  let at = 0;
  for (let index = 0; index < numbers.length; index++) {
    let value = 0;
    let scale = 1;
    for (;;) {
      if (at === length || scale > 2 ** 49) return false;
      const byte = bytes[at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 0x80;
    }
    if (value > Number.MAX_SAFE_INTEGER) return false;
    numbers[index] = value;
  }
  return at === length;
}

/** Signed to unsigned, small magnitudes first: 0, -1, 1, -2, 2 … become 0, 1, 2, 3, 4 … */
export function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

/** The inverse of `zigzag`. */
export function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

/** A column of bytes on the wire: one value for all, the bytes themselves, or `[values, lengths of runs]`. */
export type PackedBytes = number | Uint8Array | [Uint8Array, Uint8Array];

/** Packs a column of bytes in the shortest of its three forms. */
export function packBytes(bytes: Uint8Array): PackedBytes {
  const values: number[] = [];
  const runs: number[] = [];
  for (const byte of bytes) {
    const last = values.length - 1;
    if (last >= 0 && values[last] === byte) runs[last] = (runs[last] as number) + 1;
    else {
      values.push(byte);
      runs.push(1);
    }
    // Two bytes a run is the least: past half the column runs cannot win, and need not be looked for.
    if (runs.length * 2 >= bytes.length && runs.length > 1) return bytes;
  }
  if (values.length === 0) return 0;
  if (values.length === 1) return values[0] as number;
  const lengths = packVarints(runs);
  return values.length + lengths.length < bytes.length ? [Uint8Array.from(values), lengths] : bytes;
}

/** Columns in which all bytes are equal, by that byte: made once, as long as a batch can need, and never written to. */
const constants: Uint8Array[] = [];

function constant(byte: number, count: number): Uint8Array {
  if (count > limits.batchEntries) return new Uint8Array(count).fill(byte);
  constants[byte] ??= new Uint8Array(limits.batchEntries).fill(byte);
  return constants[byte].subarray(0, count);
}

/** A column of exactly `count` bytes, only to be read; undefined for anything else. */
export function unpackBytes(packed: unknown, count: number): Uint8Array | undefined {
  if (typeof packed === 'number') {
    if (!Number.isInteger(packed) || packed < 0 || packed > 0xff) return undefined;
    return constant(packed, count);
  }
  if (packed instanceof Uint8Array) return packed.length === count ? packed : undefined;
  if (!Array.isArray(packed) || packed.length !== 2) return undefined;
  const [values, lengths] = packed as [unknown, unknown];
  if (!(values instanceof Uint8Array) || !(lengths instanceof Uint8Array)) return undefined;
  const runs = new Float64Array(values.length);
  if (!unpackVarintsInto(runs, lengths)) return undefined;
  const bytes = new Uint8Array(count);
  let at = 0;
  for (let index = 0; index < values.length; index++) {
    const end = at + (runs[index] as number);
    if (end > count) return undefined;
    bytes.fill(values[index] as number, at, end);
    at = end;
  }
  return at === count ? bytes : undefined;
}

/** Whole numbers below `end` (at most 65,536) as byte columns: of their low bytes and, past 256, of their high ones. */
export function packIndices(indices: Int32Array, end: number): [low: PackedBytes, high?: PackedBytes] {
  const low = packBytes(Uint8Array.from(indices, (index) => index & 0xff));
  return end <= 256 ? [low] : [low, packBytes(Uint8Array.from(indices, (index) => index >> 8))];
}

/** Exactly `count` whole numbers below `end`, only to be read; undefined for anything else. */
export function unpackIndices(
  columns: readonly unknown[],
  count: number,
  end: number,
): Uint8Array | Uint16Array | undefined {
  if (columns.length !== (end <= 256 ? 1 : 2)) return undefined;
  const low = unpackBytes(columns[0], count);
  if (low === undefined) return undefined;
  let indices: Uint8Array | Uint16Array = low;
  if (columns.length === 2) {
    const high = unpackBytes(columns[1], count);
    if (high === undefined) return undefined;
    indices = Uint16Array.from(low, (byte, position) => byte | ((high[position] as number) << 8));
  }
  for (let position = 0; position < count; position++) {
    if ((indices[position] as number) >= end) return undefined;
  }
  return indices;
}

/** Groups the bytes of `width`-byte elements by their place, so that like stands beside like and zstd finds it. */
export function shuffle(bytes: Uint8Array, width: number): Uint8Array {
  const count = bytes.length / width;
  const out = new Uint8Array(bytes.length);
  for (let place = 0; place < width; place++) {
    for (let index = 0; index < count; index++) {
      out[place * count + index] = bytes[index * width + place] as number;
    }
  }
  return out;
}

/** The inverse of `shuffle`. */
export function unshuffle(bytes: Uint8Array, width: number): Uint8Array {
  const count = bytes.length / width;
  const out = new Uint8Array(bytes.length);
  for (let place = 0; place < width; place++) {
    for (let index = 0; index < count; index++) {
      out[index * width + place] = bytes[place * count + index] as number;
    }
  }
  return out;
}
