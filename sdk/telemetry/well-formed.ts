import { limits } from '../contract/index.ts';
import { malformed, TelemetryError } from './errors.ts';

/** Tags a batch may hold: typed arrays, RFC 8746, least significant byte first. */
const typedArrayTags: readonly number[] = [69, 78, 85, 86];

/** Arrays within arrays: the batch, its columns, a column's runs. */
const deepest = 3;

const majorTypes = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6 } as const;

/**
 * Looks at the shape of a batch's CBOR before anything is made of it (RFC 8949, appendix C). The decoder makes
 * dates, errors, sets and large integers of tags, each at a cost of its own; a batch has no use for any, so what
 * is not an array of numbers, strings and typed arrays is refused here.
 * @throws {TelemetryError} `batch-malformed`, or `batch-limit` past limits.batchItems.
 */
export function checkWellFormed(bytes: Uint8Array): void {
  let at = 0;
  let items = 0;

  /** The argument of an item's head (section 3), its initial byte being before `at`. */
  const argument = (info: number): number => {
    if (info < 24) return info;
    const length = 1 << (info - 24);
    // 28..30 are reserved, 31 is the indefinite length, which a batch has no use for.
    if (info > 27 || at + length > bytes.length) throw malformed('not CBOR of definite lengths, or cut off');
    let value = 0;
    for (const end = at + length; at < end; at++) value = value * 256 + (bytes[at] as number);
    return value;
  };

  const item = (depth: number): void => {
    if (++items > limits.batchItems) {
      throw new TelemetryError('batch-limit', `more than ${limits.batchItems} CBOR items`);
    }
    const initial = bytes[at++];
    if (initial === undefined) throw malformed('cut off');
    const major = initial >> 5;
    const value = argument(initial & 0x1f);
    switch (major) {
      case majorTypes.bytes:
      case majorTypes.text:
        at += value;
        if (at > bytes.length) throw malformed('a string is longer than the batch');
        return;
      case majorTypes.array:
        if (depth === deepest) throw malformed('arrays are nested too deep');
        for (let index = 0; index < value; index++) item(depth + 1);
        return;
      case majorTypes.map:
        throw malformed('a map, where a batch has none');
      case majorTypes.tag:
        if (!typedArrayTags.includes(value)) throw malformed(`tag ${value}, where a batch has none`);
        if ((bytes[at] ?? 0) >> 5 !== majorTypes.bytes)
          throw malformed('a typed array that is no byte string');
        item(depth);
    }
  };

  item(0);
  if (at !== bytes.length) throw malformed('bytes after the end');
}
