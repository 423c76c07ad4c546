import { ChunkError } from './error.ts';

/** The packings of columns that a chunk's body is made of: see README.md beside this file. */

/** Bytes on their way into a body; grows as it must. Numbers stand least significant byte first. */
export class Packer {
  #bytes = Buffer.allocUnsafe(4096);
  #length = 0;

  u8(value: number): void {
    const at = this.#take(1);
    this.#bytes[at] = value;
  }

  f64(value: number): void {
    const at = this.#take(8);
    this.#bytes.writeDoubleLE(value, at);
  }

  /** LEB128 of a whole number 0..2^53-1. */
  varint(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.u8((rest % 0x80) | 0x80);
    this.u8(rest);
  }

  raw(bytes: Uint8Array): void {
    const at = this.#take(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Its length, then the bytes. */
  block(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** `bytes` of room in the body, to be filled. */
  room(bytes: number): Buffer {
    const at = this.#take(bytes);
    return this.#bytes.subarray(at, at + bytes);
  }

  done(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #take(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
    }
    return at;
  }
}

/** A body being read: what is not there is an error, never a guess. */
export class Unpacker {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  u8(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new ChunkError('it ends early');
    return byte;
  }

  f64(): number {
    return this.raw(8).readDoubleLE(0);
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 0x80) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
    }
    throw new ChunkError('a number is longer than any');
  }

  raw(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new ChunkError(`it ends ${end - this.#bytes.length} bytes early`);
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  block(): Buffer {
    return this.raw(this.varint());
  }

  /** To be called when all of it has been read. */
  end(): void {
    const over = this.#bytes.length - this.#at;
    if (over > 0) throw new ChunkError(`${over} bytes stand behind its end`);
  }
}

/** Widths in bytes that the steps of an integer column may have; past the last, it is kept as float64. */
const widths = [0, 1, 2, 4, 6] as const;
const asFloats = 8;

/** Packs numbers: whole ones as steps above the least step, bytes of one place together; any others as float64. */
export function packNumbers(packer: Packer, numbers: Float64Array): void {
  const count = numbers.length;
  if (count === 0) return;
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  let whole = Number.isSafeInteger(numbers[0]) && !Object.is(numbers[0], -0);
  for (let row = 1; row < count && whole; row++) {
    const step = (numbers[row] as number) - (numbers[row - 1] as number);
    whole = Number.isSafeInteger(numbers[row]) && Number.isSafeInteger(step) && !Object.is(numbers[row], -0);
    if (step < least) least = step;
    if (step > most) most = step;
  }
  const width = whole
    ? (widths.find((bytes) => count < 2 || most - least < 256 ** bytes) ?? asFloats)
    : asFloats;
  packer.u8(width);
  if (width === asFloats) {
    const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    shuffleInto(packer.room(bytes.length), bytes, 8);
    return;
  }
  packer.f64(numbers[0] as number);
  if (count < 2) return;
  packer.f64(least);
  const steps = count - 1;
  const room = packer.room(steps * width);
  for (let row = 0; row < steps; row++) {
    let above = (numbers[row + 1] as number) - (numbers[row] as number) - least;
    for (let place = 0; place < width; place++) {
      room[place * steps + row] = above % 256;
      above = Math.floor(above / 256);
    }
  }
}

/** The inverse of `packNumbers`. */
export function unpackNumbers(unpacker: Unpacker, count: number): Float64Array {
  const numbers = new Float64Array(count);
  if (count === 0) return numbers;
  const width = unpacker.u8();
  if (width === asFloats) {
    const bytes = new Uint8Array(numbers.buffer);
    unshuffleInto(bytes, unpacker.raw(bytes.length), 8);
    return numbers;
  }
  if (!(widths as readonly number[]).includes(width))
    throw new ChunkError(`no column is ${width} bytes wide`);
  let number = unpacker.f64();
  numbers[0] = number;
  if (count < 2) return numbers;
  const least = unpacker.f64();
  const steps = count - 1;
  const bytes = unpacker.raw(steps * width);
  // Plots wait for the loops of small widths: they are written out.
  if (width === 0) {
    for (let row = 1; row < count; row++) {
      number += least;
      numbers[row] = number;
    }
  } else if (width === 1) {
    for (let row = 0; row < steps; row++) {
      number += least + (bytes[row] as number);
      numbers[row + 1] = number;
    }
  } else if (width === 2) {
    for (let row = 0; row < steps; row++) {
      number += least + ((bytes[row] as number) | ((bytes[steps + row] as number) << 8));
      numbers[row + 1] = number;
    }
  } else {
    for (let row = 0; row < steps; row++) {
      let above = 0;
      for (let place = width - 1; place >= 0; place--) {
        above = above * 256 + (bytes[place * steps + row] as number);
      }
      number += least + above;
      numbers[row + 1] = number;
    }
  }
  return numbers;
}

/** Packs a column of bytes: one for all of them, or each. */
export function packBytes(packer: Packer, bytes: Uint8Array): void {
  const [first] = bytes;
  let equal = true;
  for (let row = 1; row < bytes.length && equal; row++) equal = bytes[row] === first;
  packer.u8(equal ? 0 : 1);
  if (!equal) packer.raw(bytes);
  else if (first !== undefined) packer.u8(first);
}

/** The inverse of `packBytes`. */
export function unpackBytes(unpacker: Unpacker, count: number): Uint8Array {
  const form = unpacker.u8();
  if (form > 1) throw new ChunkError(`no column of bytes has form ${form}`);
  if (form === 1) return Uint8Array.from(unpacker.raw(count));
  return count === 0 ? new Uint8Array(0) : new Uint8Array(count).fill(unpacker.u8());
}

/** Packs indices into a dictionary of `entries`: nothing where there is but one. */
export function packIndices(packer: Packer, indices: Uint32Array, entries: number): void {
  if (entries > 1) packNumbers(packer, new Float64Array(indices));
}

/** The inverse of `packIndices`. */
export function unpackIndices(unpacker: Unpacker, count: number, entries: number): Uint32Array {
  if (entries < 1 && count > 0) throw new ChunkError('a dictionary is empty');
  if (entries <= 1) return new Uint32Array(count);
  const numbers = unpackNumbers(unpacker, count);
  if (!numbers.every((number) => number >= 0 && number < entries)) {
    throw new ChunkError(`an index lies beyond the ${entries} entries of its dictionary`);
  }
  return Uint32Array.from(numbers);
}

/** Decimals looked for in a column of floats. */
const mostDecimals = 6;
const inDecimals = 1;

/**
 * Packs floats. Where each is the nearest float to a decimal of few places, as those of sensors that round are, the
 * decimals are packed as whole numbers; else the bytes of one place stand together.
 */
export function packFloats(packer: Packer, floats: Float32Array | Float64Array): void {
  const found = decimalsOf(floats);
  if (found !== undefined) {
    packer.u8(inDecimals);
    packer.u8(found.places);
    packNumbers(packer, found.decimals);
    return;
  }
  packer.u8(0);
  const bytes = new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
  shuffleInto(packer.room(bytes.length), bytes, floats.BYTES_PER_ELEMENT);
}

/** The inverse of `packFloats`. */
export function unpackFloats(
  unpacker: Unpacker,
  count: number,
  type: typeof Float32Array | typeof Float64Array,
): Float64Array {
  const form = unpacker.u8();
  if (form === 0) {
    const floats = new type(count);
    const bytes = new Uint8Array(floats.buffer);
    unshuffleInto(bytes, unpacker.raw(bytes.length), floats.BYTES_PER_ELEMENT);
    return floats instanceof Float64Array ? floats : new Float64Array(floats);
  }
  if (form !== inDecimals) throw new ChunkError(`no column of floats has form ${form}`);
  const places = unpacker.u8();
  if (places > mostDecimals) throw new ChunkError(`no column of floats has ${places} decimals`);
  const divisor = 10 ** places;
  const numbers = unpackNumbers(unpacker, count);
  if (type === Float32Array) {
    for (let row = 0; row < count; row++) numbers[row] = Math.fround((numbers[row] as number) / divisor);
  } else for (let row = 0; row < count; row++) numbers[row] = (numbers[row] as number) / divisor;
  return numbers;
}

function decimalsOf(
  floats: Float32Array | Float64Array,
): { places: number; decimals: Float64Array } | undefined {
  const nearest = floats instanceof Float32Array ? Math.fround : (number: number) => number;
  const isDecimal = (float: number, places: number) => {
    const decimal = Math.round(float * 10 ** places);
    return Number.isSafeInteger(decimal) && nearest(decimal / 10 ** places) === float;
  };
  let places = 0;
  for (const float of floats) {
    while (!isDecimal(float, places)) if (++places > mostDecimals) return undefined;
  }
  const scale = 10 ** places;
  const decimals = new Float64Array(floats.length);
  for (let row = 0; row < floats.length; row++) {
    const decimal = Math.round((floats[row] as number) * scale);
    // More places than an earlier one needed: it is the same number still, unless it grew beyond what is exact.
    if (!Number.isSafeInteger(decimal) || !Object.is(nearest(decimal / scale), floats[row])) return undefined;
    decimals[row] = decimal;
  }
  return { places, decimals };
}

/** Groups the bytes of `width`-byte elements by their place, so that like stands beside like. */
export function shuffleInto(out: Uint8Array, bytes: Uint8Array, width: number): void {
  const count = bytes.length / width;
  for (let place = 0; place < width; place++) {
    for (let index = 0; index < count; index++)
      out[place * count + index] = bytes[index * width + place] as number;
  }
}

/** The inverse of `shuffleInto`. */
export function unshuffleInto(out: Uint8Array, bytes: Uint8Array, width: number): void {
  const count = out.length / width;
  for (let place = 0; place < width; place++) {
    for (let index = 0; index < count; index++)
      out[index * width + place] = bytes[place * count + index] as number;
  }
}
