import { limits } from '../contract/index.ts';
import type { ValueColumn } from './batch.ts';
import { inconsistent, list, malformed, type TelemetryError } from './errors.ts';
import { unshuffle } from './packing.ts';
import { type ValueType, valueTypes } from './wire.ts';

/** Hands out each series' part of its type's values, which stand on the wire series after series. */
export function valueReader(value: unknown, types: readonly ValueType[], lengths: readonly number[]) {
  const packed = list(value, 'values');
  if (packed.length !== valueTypes.length) throw malformed(`values has ${packed.length} columns`);
  const totals = valueTypes.map(() => 0);
  for (let index = 0; index < types.length; index++) {
    const code = valueTypes.indexOf(types[index] as ValueType);
    totals[code] = (totals[code] as number) + (lengths[index] as number);
  }
  const columns = valueTypes.map((type, code) => unpackValues(type, packed[code], totals[code] as number));
  const taken = valueTypes.map(() => 0);
  return (type: ValueType, length: number): ValueColumn => {
    const code = valueTypes.indexOf(type);
    const start = taken[code] as number;
    taken[code] = start + length;
    const column = columns[code] as ValueColumn;
    if (column.type === 'none') return column;
    const part =
      column.type === 'string' || column.type === 'binary'
        ? column.values.slice(start, start + length)
        : column.values.subarray(start, start + length);
    return { type, values: part } as ValueColumn;
  };
}

function unpackValues(type: ValueType, packed: unknown, count: number): ValueColumn {
  const wrong = () => inconsistent(`the ${type} column does not hold ${count} values`);
  if (type === 'none' || (count === 0 && packed === null)) {
    if (packed !== null) throw wrong();
    return emptyColumn(type);
  }
  switch (type) {
    case 'uint8':
      if (!(packed instanceof Uint8Array) || packed.length !== count) throw wrong();
      return { type, values: packed };
    case 'uint16':
      return { type, values: numbers(packed, Uint16Array, count, wrong) };
    case 'int32':
      return { type, values: numbers(packed, Int32Array, count, wrong) };
    case 'float32':
      return { type, values: numbers(packed, Float32Array, count, wrong) };
    case 'float64': {
      const values = numbers(packed, Float64Array, count, wrong);
      // Decimal text is always a number; only a float32 off the air may be none, and keeps its bits.
      if (!values.every(Number.isFinite)) throw inconsistent('a float64 is not a number');
      return { type, values };
    }
    case 'string': {
      const values = list(packed, 'strings');
      const fits = (one: unknown) => typeof one === 'string' && one.length <= limits.valueBytes;
      if (values.length !== count || !values.every(fits)) throw wrong();
      return { type, values: values as string[] };
    }
    case 'binary': {
      const values = list(packed, 'binaries');
      const fits = (one: unknown) => one instanceof Uint8Array && one.length <= limits.valueBytes;
      if (values.length !== count || !values.every(fits)) throw wrong();
      // Copies of their own: a value must not keep the whole batch's bytes alive.
      return { type, values: (values as Uint8Array[]).map((one) => Uint8Array.from(one)) };
    }
  }
}

function emptyColumn(type: ValueType): ValueColumn {
  switch (type) {
    case 'none':
      return { type };
    case 'uint8':
      return { type, values: new Uint8Array(0) };
    case 'uint16':
      return { type, values: new Uint16Array(0) };
    case 'int32':
      return { type, values: new Int32Array(0) };
    case 'float32':
      return { type, values: new Float32Array(0) };
    case 'float64':
      return { type, values: new Float64Array(0) };
    case 'string':
    case 'binary':
      return { type, values: [] };
  }
}

interface NumberArray<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer): T;
}

/** A typed array as CBOR tags it (RFC 8746), or its bytes shuffled, as an untagged byte string. */
function numbers<T extends { readonly length: number }>(
  packed: unknown,
  kind: NumberArray<T> & { [Symbol.hasInstance](value: unknown): boolean },
  count: number,
  wrong: () => TelemetryError,
): T {
  if (packed instanceof kind) {
    // cbor-x decodes a typed array of a bogus length to an empty one: the count is what finds it.
    if ((packed as T).length !== count) throw wrong();
    return packed as T;
  }
  if (!(packed instanceof Uint8Array) || packed.length !== count * kind.BYTES_PER_ELEMENT) throw wrong();
  return new kind(unshuffle(packed, kind.BYTES_PER_ELEMENT).buffer as ArrayBuffer);
}
