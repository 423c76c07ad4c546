import { Decoder, Encoder } from 'cbor-x';
import { limits } from '../contract/index.ts';
import { linkError } from './errors.ts';

type Options = ConstructorParameters<typeof Encoder>[0];

const settings = {
  useRecords: false,
  variableMapSize: true,
  tagUint8Array: false,
  int64AsNumber: true,
  mapsAsObjects: true,
} as Options;
const encoder = new Encoder(settings);
const decoder = new Decoder(settings);
const utf8 = new TextDecoder('utf-8', { fatal: true });

const majorTypes = {
  unsigned: 0,
  negative: 1,
  bytes: 2,
  text: 3,
  array: 4,
  map: 5,
  tag: 6,
  simple: 7,
} as const;
/** false, true, null, undefined, and floats of 16, 32 and 64 bits. */
const simpleValues: readonly number[] = [20, 21, 22, 23, 25, 26, 27];

/**
 * The bytes of a message: numbers, texts, byte arrays (`Uint8Array`), true, false, null, and arrays and objects of them.
 * @throws {LinkError} `link-message-refused` where the other end would not take it.
 */
export function encodeMessage(message: unknown): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = encoder.encode(message);
  } catch (error) {
    throw refused(`it cannot be written as CBOR: ${(error as Error).message.slice(0, 200)}`, error);
  }
  checkMessage(bytes);
  return bytes;
}

/**
 * The message that `bytes` are.
 * @throws {LinkError} `link-message-refused` where they are none.
 */
export function decodeMessage(bytes: Uint8Array): unknown {
  checkMessage(bytes);
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw refused(`it is not CBOR: ${(error as Error).message.slice(0, 200)}`, error);
  }
}

function refused(why: string, cause?: unknown): Error {
  return linkError(
    'link-message-refused',
    `a message cannot travel: ${why}`,
    'send less, or simpler values',
    cause,
  );
}

/**
 * Looks at the shape of a message's CBOR before anything is made of it (RFC 8949, appendix C): what cbor-x would make
 * dates, sets, shared structures or huge arrays of, and maps of which it would silently keep one of two members.
 */
function checkMessage(bytes: Uint8Array): void {
  if (bytes.length > limits.linkMessageBytes) {
    throw refused(`it has ${bytes.length} bytes, and ${limits.linkMessageBytes} may have`);
  }
  let at = 0;
  let items = 0;

  /** The argument of an item's head (section 3), its initial byte being before `at`. */
  const argument = (info: number): number => {
    if (info < 24) return info;
    const length = 1 << (info - 24);
    if (info > 27 || at + length > bytes.length)
      throw refused('it is not CBOR of definite lengths, or cut off');
    let value = 0;
    for (const end = at + length; at < end; at++) value = value * 256 + (bytes[at] as number);
    return value;
  };

  const skip = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw refused('a string in it is longer than it is');
    at += length;
    return bytes.subarray(at - length, at);
  };

  const text = (length: number): string => {
    try {
      return utf8.decode(skip(length));
    } catch (error) {
      throw refused('a text in it is not UTF-8', error);
    }
  };

  const map = (count: number, depth: number): void => {
    const keys = new Set<string>();
    for (let index = 0; index < count; index++) {
      const initial = bytes[at++];
      if (initial === undefined || initial >> 5 !== majorTypes.text) throw refused('a key in it is no text');
      const key = text(argument(initial & 0x1f));
      if (keys.has(key)) throw refused('a key stands in it twice');
      // cbor-x would give it another name.
      if (key === '__proto__') throw refused('no key may be __proto__');
      keys.add(key);
      item(depth + 1);
    }
  };

  const item = (depth: number): void => {
    if (++items > limits.linkMessageItems) throw refused(`it has more than ${limits.linkMessageItems} items`);
    if (depth > limits.linkMessageDepth) throw refused(`it is nested deeper than ${limits.linkMessageDepth}`);
    const initial = bytes[at++];
    if (initial === undefined) throw refused('it is cut off');
    const info = initial & 0x1f;
    const major = initial >> 5;
    const value = argument(info);
    switch (major) {
      case majorTypes.unsigned:
      case majorTypes.negative:
        if (value >= Number.MAX_SAFE_INTEGER) throw refused('an integer in it is too large');
        return;
      case majorTypes.bytes:
        skip(value);
        return;
      case majorTypes.text:
        text(value);
        return;
      case majorTypes.array:
        for (let index = 0; index < value; index++) item(depth + 1);
        return;
      case majorTypes.map:
        map(value, depth);
        return;
      case majorTypes.tag:
        throw refused(`it holds a value of CBOR tag ${value}: dates, sets and the like do not travel`);
      case majorTypes.simple:
        if (!simpleValues.includes(info)) throw refused('it holds a value that is none of CBOR');
    }
  };

  item(0);
  if (at !== bytes.length) throw refused('bytes stand after its end');
}
