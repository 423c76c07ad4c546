import { Encoder } from 'cbor-x';
import type { Quality } from './reading.ts';

/** Version of the batch layout below. Another number is refused, never guessed at. */
export const batchVersion = 1;

/** Every zstd frame begins so (RFC 8878 section 3.1.1); a plain batch begins with a CBOR array head, 0x8F. */
export const zstdMagic = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd);

/** Value types by their code: T24's own data types, and 7 for decimal text. */
export const valueTypes = [
  'none',
  'uint8',
  'uint16',
  'int32',
  'float32',
  'string',
  'binary',
  'float64',
] as const;
export type ValueType = (typeof valueTypes)[number];

/** Quality kinds by their code. */
export const qualityKinds: readonly Quality['kind'][] = ['none', 'radio', 'lqi'];

/** Bytes of one entry of the series column: tag (2, MSB first), base, port, form. */
export const seriesEntryBytes = 5;

/** The batch array, element by element: see README.md beside this file. */
export type WireBatch = [
  version: number,
  epoch: Uint8Array,
  parent: null | [epoch: Uint8Array, last: number | bigint],
  boot: Uint8Array,
  oldest: number | bigint,
  first: number | bigint,
  dropped: [first: number | bigint, last: number | bigint][],
  ports: string[],
  series: Uint8Array,
  count: number,
  order: unknown[],
  times: [start: number | bigint, steps: number | Uint8Array],
  bytes: unknown[],
  values: unknown[],
  anchors: [wall: number | bigint, uncertainty: number | bigint][],
];

/** Elements of the batch array. */
export const wireElements = 15;

/** CBOR as this contract uses it: definite lengths, no records, plain byte strings, whole numbers as numbers. */
export const cbor = new Encoder({
  useRecords: false,
  variableMapSize: true,
  tagUint8Array: false,
  int64AsNumber: true,
} as ConstructorParameters<typeof Encoder>[0]);

/** A whole number as CBOR writes integers: cbor-x would turn a number of 2^32 and above into a float64. */
export function wholeNumber(value: number): number | bigint {
  return Math.abs(value) < 2 ** 32 ? value : BigInt(value);
}
