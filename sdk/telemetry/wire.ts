import { Encoder } from 'cbor-x';
import type { PackedBytes } from './packing.ts';
import type { Quality } from './reading.ts';

/**
 * Version of the batch layout below. Version 1 is its first fifteen elements, and still read: gateways are updated one
 * by one, and what a cloud has stored stays as it came. Another number is refused, never guessed at.
 */
export const batchVersion = 2;

/** Elements of the batch array, by version. */
export const wireElements: Readonly<Record<number, number>> = { 1: 15, 2: 18 };

/** Every zstd frame begins so (RFC 8878 section 3.1.1); a plain batch begins with a CBOR array head. */
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

/** What an event's code may be: one this version does not know must pass. */
export const eventCode = /^[a-z0-9-]{1,64}$/;

/** Bytes of one entry of the series column: tag (2, MSB first), base, port, form. */
export const seriesEntryBytes = 5;

/** The batch array of version 2, element by element: see README.md beside this file. */
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
  aspects: PackedBytes,
  calibrations: null | [pairs: Float64Array, low: PackedBytes, high?: PackedBytes],
  events: [code: string, subject: string, detail: string][],
];

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
