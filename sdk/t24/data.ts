import { T24Error } from './errors.ts';
import { dataTypes, maxDataBytes } from './layout.ts';
import type { TypedData } from './packet.ts';
import type { Value } from './value.ts';

/** Turns 32 bits into a float and back; a number in between would lose which NaN it was. */
const scratch = new DataView(new ArrayBuffer(4));

/**
 * Reads data whose size has been found to fit its type (`dataSizeFits`). Multi-byte values are MSB first;
 * strings are Latin-1 up to the first NUL.
 */
export function decodeData(dataType: number, data: Uint8Array): TypedData {
  if ((dataType & 0x07) === dataTypes.string) return decodeString(dataType, data);
  return { dataType, value: decodeValue(dataType, data) };
}

function decodeValue(dataType: number, data: Uint8Array): Value {
  const byte = (index: number): number => data[index] as number;
  switch (dataType & 0x07) {
    case dataTypes.uint8:
      return { type: 'uint8', value: byte(0) };
    case dataTypes.uint16:
      return { type: 'uint16', value: (byte(0) << 8) | byte(1) };
    case dataTypes.int32:
      return { type: 'int32', value: (byte(0) << 24) | (byte(1) << 16) | (byte(2) << 8) | byte(3) };
    case dataTypes.float32: {
      const bits = ((byte(0) << 24) | (byte(1) << 16) | (byte(2) << 8) | byte(3)) >>> 0;
      scratch.setUint32(0, bits);
      const value = scratch.getFloat32(0);
      return Number.isFinite(value) ? { type: 'float32', value } : { type: 'nonFinite', bits };
    }
    case dataTypes.binary:
      return { type: 'binary', value: data.slice() };
    default:
      return { type: 'none' };
  }
}

function decodeString(dataType: number, data: Uint8Array): TypedData {
  const terminator = data.indexOf(0);
  const textEnd = terminator < 0 ? data.length : terminator;
  const value: Value = { type: 'string', value: String.fromCharCode(...data.subarray(0, textEnd)) };
  return terminator === data.length - 1 && terminator >= 0
    ? { dataType, value }
    : { dataType, value, afterText: data.slice(textEnd) };
}

/**
 * Data bytes of a value, without its data type byte. A `float32` is rounded to the nearest float32.
 *
 * @throws T24Error `value-type` if the value is not of the data type's kind, `field-range` if it does not fit
 */
export function encodeData(data: TypedData): Uint8Array {
  const { dataType, value } = data;
  const expected = typeOf(value);
  if ((dataType & 0x07) !== expected) {
    throw new T24Error('value-type', `data type ${dataType} cannot carry a value of type ${value.type}`);
  }
  if (data.afterText !== undefined && value.type !== 'string') {
    throw new T24Error('value-type', `afterText belongs to strings, and this value is of type ${value.type}`);
  }
  switch (value.type) {
    case 'none':
      return new Uint8Array(0);
    case 'uint8':
      return Uint8Array.of(wholeNumber('uint8 value', value.value, 0, 0xff));
    case 'uint16': {
      const whole = wholeNumber('uint16 value', value.value, 0, 0xffff);
      return Uint8Array.of(whole >>> 8, whole & 0xff);
    }
    case 'int32':
      scratch.setInt32(0, wholeNumber('int32 value', value.value, -0x8000_0000, 0x7fff_ffff));
      return scratchBytes();
    case 'float32':
      if (!Number.isFinite(Math.fround(value.value))) {
        throw new T24Error('field-range', `${value.value} is not a finite float32; use type nonFinite`);
      }
      scratch.setFloat32(0, value.value);
      return scratchBytes();
    case 'nonFinite': {
      const bits = wholeNumber('nonFinite bits', value.bits, 0, 0xffff_ffff);
      if ((bits & 0x7f80_0000) !== 0x7f80_0000) {
        throw new T24Error(
          'field-range',
          `bits 0x${bits.toString(16)} are a finite float32; use type float32`,
        );
      }
      scratch.setUint32(0, bits);
      return scratchBytes();
    }
    case 'string':
      return encodeString(value.value, data.afterText ?? Uint8Array.of(0));
    case 'binary':
      wholeNumber('size of binary data', value.value.length, 0, maxDataBytes);
      return value.value.slice();
    case 'float64':
      // typeOf has refused it.
      throw new T24Error('value-type', 'T24 has no float64');
  }
}

function typeOf(value: Value): number | undefined {
  switch (value.type) {
    case 'float64':
      return undefined;
    case 'nonFinite':
      return dataTypes.float32;
    default:
      return dataTypes[value.type];
  }
}

function scratchBytes(): Uint8Array {
  return new Uint8Array(scratch.buffer.slice(0));
}

function encodeString(text: string, afterText: Uint8Array): Uint8Array {
  wholeNumber('size of string data, terminator included', text.length + afterText.length, 0, maxDataBytes);
  if (afterText.length > 0 && afterText[0] !== 0) {
    throw new T24Error('field-range', 'afterText begins with a NUL, or is empty');
  }
  const data = new Uint8Array(text.length + afterText.length);
  for (let index = 0; index < text.length; index++) {
    data[index] = wholeNumber('character code of a string', text.charCodeAt(index), 1, 0xff);
  }
  data.set(afterText, text.length);
  return data;
}

/** `number`, if it is whole and within `least..most`. */
export function wholeNumber(name: string, number: number, least: number, most: number): number {
  if (!Number.isInteger(number) || number < least || number > most) {
    throw new T24Error('field-range', `${name} is ${number}; it must be a whole number ${least}..${most}`);
  }
  return number;
}
