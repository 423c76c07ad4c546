import fc from 'fast-check';
import { type EventCode, events } from '../contract/index.ts';
import type { Value } from '../t24/index.ts';
import type { BatchHeader } from './batch.ts';
import { aspects, type Entry, type ForeignEventCode } from './reading.ts';

/** Arbitrary values, entries and headers for property tests of everything that handles them. */

const nonFiniteBits = fc.oneof(
  fc.constantFrom(0x7f800000, 0xff800000, 0x7fc00000),
  fc.integer({ min: 1, max: 0x7fffff }).map((mantissa) => 0x7f800000 | mantissa),
);

const value: fc.Arbitrary<Value> = fc.oneof(
  fc.constant<Value>({ type: 'none' }),
  fc.nat(0xff).map((n): Value => ({ type: 'uint8', value: n })),
  fc.nat(0xffff).map((n): Value => ({ type: 'uint16', value: n })),
  fc.integer().map((n): Value => ({ type: 'int32', value: n })),
  fc.float({ noNaN: true, noDefaultInfinity: true }).map((n): Value => ({ type: 'float32', value: n })),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n): Value => ({ type: 'float64', value: n })),
  nonFiniteBits.map((bits): Value => ({ type: 'nonFinite', bits: bits >>> 0 })),
  fc.string({ maxLength: 64 }).map((text): Value => ({ type: 'string', value: text })),
  fc.uint8Array({ maxLength: 64 }).map((bytes): Value => ({ type: 'binary', value: bytes })),
);

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });

const calibration = fc.option(
  fc.oneof(
    fc.constantFrom({ gain: 0.5, offset: -3 }, { gain: 2, offset: 0 }),
    fc.record({ gain: finite, offset: finite }, { noNullPrototype: true }),
  ),
  { nil: undefined },
);

/** What this version knows, and what one of the future may say. */
const code = fc.oneof(
  fc.constantFrom(...(Object.keys(events) as EventCode[])),
  fc.stringMatching(/^[a-z0-9-]{1,64}$/).map((text) => text as ForeignEventCode),
);

const entry: fc.Arbitrary<Entry> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record(
      {
        kind: fc.constant('reading' as const),
        port: fc.constantFrom('radio', 'mast', 'Brücke'),
        base: fc.nat(16),
        tag: fc.oneof(fc.nat(0xffff), fc.constantFrom(0x25df, 0x25e0)),
        aspect: fc.constantFrom(...aspects),
        calibration,
        monotonic: fc.nat(2 ** 31 - 1),
        value,
        flags: fc.constantFrom(0, 0x40, 0x80, 0xe0),
        status: fc.nat(0xff),
        quality: fc.oneof(
          fc.constant({ kind: 'none' as const }),
          fc.record(
            { kind: fc.constant('radio' as const), rssi: fc.nat(0xff), cv: fc.nat(0xff) },
            { noNullPrototype: true },
          ),
          fc.record({ kind: fc.constant('lqi' as const), percent: fc.nat(100) }, { noNullPrototype: true }),
        ),
      },
      { noNullPrototype: true },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record(
      {
        kind: fc.constant('anchor' as const),
        monotonic: fc.nat(2 ** 31 - 1),
        wall: fc.nat({ max: 2 ** 42 }),
        uncertainty: fc.nat(86_400_000),
      },
      { noNullPrototype: true },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record(
      {
        kind: fc.constant('event' as const),
        monotonic: fc.nat(2 ** 31 - 1),
        code,
        subject: fc.string({ maxLength: 16, unit: 'grapheme-composite' }),
        detail: fc.string({ maxLength: 60 }),
      },
      { noNullPrototype: true },
    ),
  },
);

/** Up to 200 entries: mixed types, or one series at one interval, as real traffic has it. */
export const arbitraryEntries: fc.Arbitrary<Entry[]> = fc.oneof(
  fc.array(entry, { maxLength: 60 }),
  fc
    .record({ entry, count: fc.nat(200), interval: fc.nat(1000) })
    .map(({ entry: one, count, interval }) =>
      Array.from({ length: count }, (_, index) => ({ ...one, monotonic: one.monotonic + index * interval })),
    ),
);

const identifier = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));

/** Headers with every optional part there and not there. */
export const arbitraryHeader: fc.Arbitrary<BatchHeader> = fc
  .record({
    epoch: identifier,
    parent: fc.option(
      fc.record({ epoch: identifier, last: fc.nat({ max: 2 ** 40 }) }, { noNullPrototype: true }),
      { nil: undefined },
    ),
    boot: identifier,
    first: fc.oneof(fc.nat(1000), fc.nat({ max: 2 ** 45 })),
    behind: fc.nat(1000),
    gaps: fc.array(fc.tuple(fc.nat(50), fc.nat(50)), { maxLength: 5 }),
  })
  .map(({ behind, gaps, ...header }) => {
    let next = 0;
    const dropped = gaps.map(([gap, length]) => {
      const first = next + gap;
      next = first + length + 1;
      return { first, last: first + length };
    });
    return { ...header, oldest: Math.max(header.first - behind, 0), dropped };
  });
