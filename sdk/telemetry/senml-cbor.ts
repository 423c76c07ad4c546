import { Decoder, Encoder } from 'cbor-x';
import { limits } from '../contract/index.ts';
import { label, malformedReadings, TelemetryError } from './errors.ts';
import { type SenmlRecord, senmlLabels } from './senml.ts';

/** Labels of the CBOR form by those of the JSON form (RFC 8428, section 6, table 4: there will be no more). */
export const cborLabels = {
  bver: -1,
  bn: -2,
  bt: -3,
  bu: -4,
  bv: -5,
  bs: -6,
  n: 0,
  u: 1,
  v: 2,
  vs: 3,
  vb: 4,
  s: 5,
  t: 6,
  ut: 7,
  vd: 8,
} as const;

const jsonLabels = new Map<unknown, string>(
  Object.entries(cborLabels).map(([name, number]) => [number, name]),
);

type Options = ConstructorParameters<typeof Encoder>[0];

const decoder = new Decoder({ mapsAsObjects: false, useRecords: false, int64AsNumber: true } as Options);

/** Encodes records whose keys are `cborLabels`. */
export const senmlEncoder = new Encoder({
  useRecords: false,
  useTag259ForMaps: false,
  variableMapSize: true,
  tagUint8Array: false,
} as Options);

/** The records of a pack in CBOR (RFC 8428, section 6); throws TelemetryError. */
export function recordsOfCbor(body: Uint8Array): SenmlRecord[] {
  const members = countMembers(body);
  let pack: unknown;
  try {
    pack = decoder.decode(body);
  } catch (error) {
    throw malformedReadings(`not CBOR: ${(error as Error).message.slice(0, 200)}`);
  }
  if (!Array.isArray(pack)) throw malformedReadings(`${label(pack)}, expected an array of records`);
  return pack.map((record: unknown, index) => {
    if (!(record instanceof Map)) throw malformedReadings(`record ${index} is no map`);
    if (record.size !== members[index]) throw malformedReadings(`record ${index} names a member twice`);
    return Object.fromEntries([...record].map(([key, value]) => [labelOf(key, index), value]));
  });
}

function labelOf(key: unknown, index: number): string {
  const known = jsonLabels.get(key);
  if (known !== undefined) return known;
  // A number that is none of the table's cannot become one either: it is left out like any label that is not known.
  if (typeof key === 'number') return String(key);
  if (typeof key !== 'string') throw malformedReadings(`record ${index}: a label is ${label(key)}`);
  if (senmlLabels.has(key)) {
    throw malformedReadings(`record ${index}: in CBOR the label ${key} is the number ${cborNumber(key)}`);
  }
  return key;
}

function cborNumber(name: string): number {
  return cborLabels[name as keyof typeof cborLabels];
}

/** Values within values: a list, its records, and something of its own in an unknown member. */
const deepest = 8;

const majorTypes = { bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const;

/** Decimal fractions may stand for numbers (section 6); nothing else of a pack has a tag. */
const decimalFraction = 4;

const indefinite = 31;
const breakByte = 0xff;

/**
 * Looks at the shape of a pack's CBOR before anything is made of it (RFC 8949, appendix C), and counts the members of each
 * record as they were written: the decoder keeps one of two with one label, and says nothing.
 *
 * @throws {TelemetryError} `readings-malformed`, or `readings-limit` past limits.batchEntries records.
 */
function countMembers(bytes: Uint8Array): number[] {
  const members: number[] = [];
  let at = 0;
  let items = 0;

  /** The argument of an item's head (section 3), its initial byte being before `at`; undefined for the indefinite. */
  const argument = (info: number): number | undefined => {
    if (info < 24) return info;
    if (info === indefinite) return undefined;
    const length = 1 << (info - 24);
    if (info > 27 || at + length > bytes.length) throw malformedReadings('not CBOR, or cut off');
    let value = 0;
    for (const end = at + length; at < end; at++) value = value * 256 + (bytes[at] as number);
    return value;
  };

  /** Calls `each` as often as there are elements; how often that was. */
  const repeat = (count: number | undefined, each: (index: number) => void): number => {
    let index = 0;
    for (; count === undefined || index < count; index++) {
      if (count === undefined && bytes[at] === breakByte) {
        at += 1;
        break;
      }
      each(index);
    }
    return index;
  };

  const item = (depth: number): void => {
    if (++items > limits.batchItems * 4) throw limit();
    const initial = bytes[at++];
    if (initial === undefined) throw malformedReadings('cut off');
    const major = initial >> 5;
    const info = initial & 0x1f;
    const value = argument(info);
    switch (major) {
      case majorTypes.bytes:
      case majorTypes.text:
        if (value === undefined) throw malformedReadings('a string in pieces: give it one length');
        at += value;
        if (at > bytes.length) throw malformedReadings('a string is longer than the body');
        return;
      case majorTypes.array:
      case majorTypes.map: {
        if (depth === deepest) throw malformedReadings(`values are nested deeper than ${deepest}`);
        const isMap = major === majorTypes.map;
        const counted = repeat(value, (index) => {
          if (depth === 0 && index >= limits.batchEntries) throw limit();
          item(depth + 1);
          if (isMap) item(depth + 1);
        });
        if (depth === 1) members.push(isMap ? counted : -1);
        return;
      }
      case majorTypes.tag:
        if (value !== decimalFraction) throw malformedReadings(`tag ${value}, where SenML has none`);
        if (bytes[at] !== 0x82) throw malformedReadings('a decimal fraction that is no pair');
        item(Math.max(depth, deepest - 1));
        return;
      default:
        if (value === undefined) throw malformedReadings('a break or length where none belongs');
        // A record that is none must not move those after it out of step.
        if (depth === 1) members.push(-1);
    }
  };

  item(0);
  if (at !== bytes.length) throw malformedReadings('bytes after the end');
  return members;
}

function limit(): TelemetryError {
  return new TelemetryError(
    'readings-limit',
    `more than ${limits.batchEntries} records, or items beyond them`,
  );
}
