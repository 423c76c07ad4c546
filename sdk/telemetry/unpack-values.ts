import { limits } from '../contract/index.ts';
import type { ValueColumns } from './batch.ts';
import { inconsistent, list, malformed, type TelemetryError } from './errors.ts';
import { unshuffle } from './packing.ts';
import { type ValueType, valueTypes } from './wire.ts';

/** Columns of types that no series has. */
const noUint8 = new Uint8Array(0);
const noUint16 = new Uint16Array(0);
const noInt32 = new Int32Array(0);
const noFloat32 = new Float32Array(0);
const noFloat64 = new Float64Array(0);

/** The values of a batch; `counts` says how many there must be of each type. */
export function unpackValues(value: unknown, counts: Readonly<Record<ValueType, number>>): ValueColumns {
  const packed = list(value, 'values');
  if (packed.length !== valueTypes.length) throw malformed(`values has ${packed.length} columns`);
  const [none, uint8, uint16, int32, float32, string, binary, float64] = packed;
  if (none !== null) throw wrong('none', 0);
  const doubles = numbers('float64', float64, noFloat64, Float64Array, counts.float64);
  // Decimal text is always a number; only a float32 off the air may be none, and keeps its bits.
  if (!doubles.every(Number.isFinite)) throw inconsistent('a float64 is not a number');
  return {
    uint8: numbers('uint8', uint8, noUint8, Uint8Array, counts.uint8),
    uint16: numbers('uint16', uint16, noUint16, Uint16Array, counts.uint16),
    int32: numbers('int32', int32, noInt32, Int32Array, counts.int32),
    float32: numbers('float32', float32, noFloat32, Float32Array, counts.float32),
    float64: doubles,
    string: texts(string, counts.string),
    binary: binaries(binary, counts.binary),
  };
}

/** Whether there is no column, and none is wanted. CBOR's undefined has always passed for its null here. */
function isAbsent(packed: unknown, count: number): boolean {
  return count === 0 && (packed === null || packed === undefined);
}

function wrong(type: ValueType, count: number): TelemetryError {
  return inconsistent(`the ${type} column does not hold ${count} values`);
}

function texts(packed: unknown, count: number): readonly string[] {
  if (isAbsent(packed, count)) return [];
  const values = list(packed, 'strings');
  const fits = (one: unknown) => typeof one === 'string' && one.length <= limits.valueBytes;
  if (values.length !== count || !values.every(fits)) throw wrong('string', count);
  return values as string[];
}

function binaries(packed: unknown, count: number): readonly Uint8Array[] {
  if (isAbsent(packed, count)) return [];
  const values = list(packed, 'binaries');
  const fits = (one: unknown) => one instanceof Uint8Array && one.length <= limits.valueBytes;
  if (values.length !== count || !values.every(fits)) throw wrong('binary', count);
  // Copies of their own: a value must not keep the whole batch's bytes alive.
  return (values as Uint8Array[]).map((one) => Uint8Array.from(one));
}

interface NumberArray<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer): T;
}

/** A typed array as CBOR tags it (RFC 8746), or its bytes shuffled, as an untagged byte string; `empty` where it is null. */
function numbers<T extends { readonly length: number }>(
  type: ValueType,
  packed: unknown,
  empty: T,
  kind: NumberArray<T> & { [Symbol.hasInstance](value: unknown): boolean },
  count: number,
): T {
  if (isAbsent(packed, count)) return empty;
  if (packed instanceof kind) {
    // cbor-x decodes a typed array of a bogus length to an empty one: the count is what finds it.
    if ((packed as T).length !== count) throw wrong(type, count);
    return packed as T;
  }
  const width = kind.BYTES_PER_ELEMENT;
  if (!(packed instanceof Uint8Array) || packed.length !== count * width) throw wrong(type, count);
  return new kind(unshuffle(packed, width).buffer as ArrayBuffer);
}
