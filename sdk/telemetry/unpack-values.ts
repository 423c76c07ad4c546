import { limits } from '../contract/index.ts';
import type { ValueColumns } from './batch.ts';
import { inconsistent, list, malformed, type TelemetryError } from './errors.ts';
import { unshuffle } from './packing.ts';
import { type ValueType, valueTypes } from './wire.ts';

/** The values of a batch; `counts` says how many there must be of each type. */
export function unpackValues(value: unknown, counts: Readonly<Record<ValueType, number>>): ValueColumns {
  const packed = list(value, 'values');
  if (packed.length !== valueTypes.length) throw malformed(`values has ${packed.length} columns`);
  if (packed[valueTypes.indexOf('none')] !== null) throw wrong('none', 0);
  /** The column of a type, or undefined where there is none, and must be none. */
  const column = (type: ValueType) => {
    const one = packed[valueTypes.indexOf(type)];
    return counts[type] === 0 && one === null ? undefined : one;
  };
  const float64 = numbers('float64', column('float64'), Float64Array, counts.float64);
  // Decimal text is always a number; only a float32 off the air may be none, and keeps its bits.
  if (!float64.every(Number.isFinite)) throw inconsistent('a float64 is not a number');
  return {
    uint8: numbers('uint8', column('uint8'), Uint8Array, counts.uint8),
    uint16: numbers('uint16', column('uint16'), Uint16Array, counts.uint16),
    int32: numbers('int32', column('int32'), Int32Array, counts.int32),
    float32: numbers('float32', column('float32'), Float32Array, counts.float32),
    float64,
    string: texts(column('string'), counts.string),
    binary: binaries(column('binary'), counts.binary),
  };
}

function wrong(type: ValueType, count: number): TelemetryError {
  return inconsistent(`the ${type} column does not hold ${count} values`);
}

function texts(packed: unknown, count: number): readonly string[] {
  if (packed === undefined) return [];
  const values = list(packed, 'strings');
  const fits = (one: unknown) => typeof one === 'string' && one.length <= limits.valueBytes;
  if (values.length !== count || !values.every(fits)) throw wrong('string', count);
  return values as string[];
}

function binaries(packed: unknown, count: number): readonly Uint8Array[] {
  if (packed === undefined) return [];
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

/** A typed array as CBOR tags it (RFC 8746), or its bytes shuffled, as an untagged byte string. */
function numbers<T extends { readonly length: number }>(
  type: ValueType,
  packed: unknown,
  kind: NumberArray<T> & { [Symbol.hasInstance](value: unknown): boolean },
  count: number,
): T {
  if (packed === undefined) return new kind(new ArrayBuffer(0));
  if (packed instanceof kind) {
    // cbor-x decodes a typed array of a bogus length to an empty one: the count is what finds it.
    if ((packed as T).length !== count) throw wrong(type, count);
    return packed as T;
  }
  const width = kind.BYTES_PER_ELEMENT;
  if (!(packed instanceof Uint8Array) || packed.length !== count * width) throw wrong(type, count);
  return new kind(unshuffle(packed, width).buffer as ArrayBuffer);
}
