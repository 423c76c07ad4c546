import type { EventCode } from '@loadline/sdk/contract';
import type { Value } from '@loadline/sdk/t24';
import type { Entry } from '@loadline/sdk/telemetry';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ByteReader, ByteWriter, JournalDamage } from './bytes.ts';
import { EntryDecoder } from './decoder.ts';
import { EntryEncoder } from './encoder.ts';
import { reading } from './testing.ts';

const test = suite('entries of a segment');

const value: fc.Arbitrary<Value> = fc.oneof(
  fc.constant<Value>({ type: 'none' }),
  fc.nat(0xff).map((n): Value => ({ type: 'uint8', value: n })),
  fc.nat(0xffff).map((n): Value => ({ type: 'uint16', value: n })),
  fc.integer().map((n): Value => ({ type: 'int32', value: n })),
  fc.float({ noNaN: true, noDefaultInfinity: true }).map((n): Value => ({ type: 'float32', value: n })),
  fc.double({ noNaN: true }).map((n): Value => ({ type: 'float64', value: n })),
  fc.nat(0x7fffff).map((low): Value => ({ type: 'nonFinite', bits: (0xff800000 | low) >>> 0 })),
  fc.nat(0x7fffff).map((low): Value => ({ type: 'nonFinite', bits: 0x7f800000 | low })),
  fc.string({ maxLength: 64, unit: 'binary' }).map((text): Value => ({ type: 'string', value: text })),
  fc.constantFrom('\ud800', 'a\udfffb').map((text): Value => ({ type: 'string', value: text })),
  fc.uint8Array({ maxLength: 64 }).map((bytes): Value => ({ type: 'binary', value: bytes })),
);

const plain = { noNullPrototype: true };
const time = fc.oneof(fc.nat(10_000), fc.nat({ max: 100 * 366 * 86_400_000 }));

const anyReading: fc.Arbitrary<Entry> = fc.record(
  {
    kind: fc.constant('reading' as const),
    port: fc.constantFrom('radio', 'mast', 'Brücke'),
    base: fc.nat(16),
    tag: fc.oneof(fc.nat(0xffff), fc.constantFrom(0x25df, 0x25e0)),
    aspect: fc.constantFrom(
      'heard' as const,
      'mean' as const,
      'min' as const,
      'max' as const,
      'derived' as const,
    ),
    calibration: fc.option(
      fc.record({ gain: fc.constantFrom(1, -0.5, 1e-9), offset: fc.constantFrom(0, -0, 17.25) }, plain),
      { nil: undefined },
    ),
    monotonic: time,
    value,
    flags: fc.constantFrom(0, 0x40, 0x80, 0xe0),
    status: fc.nat(0xff),
    quality: fc.oneof(
      fc.constant({ kind: 'none' as const }),
      fc.record({ kind: fc.constant('radio' as const), rssi: fc.nat(0xff), cv: fc.nat(0xff) }, plain),
      fc.record({ kind: fc.constant('lqi' as const), percent: fc.nat(100) }, plain),
    ),
  },
  plain,
);
const anyEntry: fc.Arbitrary<Entry> = fc.oneof(
  { weight: 8, arbitrary: anyReading },
  fc.record(
    {
      kind: fc.constant('anchor' as const),
      monotonic: time,
      wall: fc.maxSafeNat().map((n) => n % 2 ** 48),
      uncertainty: fc.nat(),
    },
    plain,
  ),
  fc.record(
    {
      kind: fc.constant('event' as const),
      monotonic: time,
      code: fc.constantFrom<EventCode>('sensor-stale', 'port-lost'),
      subject: fc.string({ maxLength: 64, unit: 'grapheme' }),
      detail: fc.string({ maxLength: 300, unit: 'grapheme' }),
    },
    plain,
  ),
);

function roundTrip(entries: readonly Entry[]): { decoded: Entry[]; bytes: Buffer } {
  const writer = new ByteWriter(16);
  const encoder = new EntryEncoder();
  for (const entry of entries) encoder.encode(entry, writer);
  const bytes = writer.take();
  const reader = new ByteReader(bytes);
  const decoder = new EntryDecoder();
  const decoded = entries.map(() => decoder.decode(reader));
  assert.ok(reader.atEnd);
  return { decoded, bytes };
}

test('whatever entries go in come out, bit for bit', () => {
  fc.assert(
    fc.property(fc.array(anyEntry, { maxLength: 60 }), (entries) => {
      const { decoded } = roundTrip(entries);
      // Object.is beneath: -0 stays -0.
      const exactly = (list: Entry[]) =>
        JSON.stringify(list, (_, each) =>
          Object.is(each, -0) ? '-0' : each instanceof Uint8Array ? [...each] : each,
        );
      assert.equal(decoded, entries);
      assert.is(exactly(decoded), exactly([...entries]));
    }),
    { numRuns: 400 },
  );
});

test('a series whose readings go on differing by little keeps every bit of them', () => {
  const values = [0, -0, 1.5, Math.fround(1.1), Math.fround(-3e38), Math.fround(1e-45), 1.5, 1.5];
  const entries = values.map((one, index) =>
    reading(index, {
      tag: 1,
      value: { type: 'float32', value: one },
      status: index % 2,
      flags: index % 3 ? 0x40 : 0,
    }),
  );
  const { decoded } = roundTrip(entries);
  decoded.forEach((entry, index) => {
    assert.ok(
      entry.kind === 'reading' &&
        entry.value.type === 'float32' &&
        Object.is(entry.value.value, values[index]),
    );
  });
  assert.equal(decoded, entries);
});

test('a hundred sensors that send every second take less than 9 bytes a reading', () => {
  // A linear congruence in the place of noise: every bit of the value's lower half differs each time.
  let noise = 1;
  const next = () => {
    noise = (Math.imul(noise, 1_103_515_245) + 12_345) >>> 0;
    return noise;
  };
  const entries = Array.from({ length: 30_000 }, (_, index) =>
    reading(5_000_000 + index * 10 + (next() >>> 30), {
      tag: 0x1000 + (index % 100),
      value: { type: 'float32', value: Math.fround(20 + (index % 100) + next() / 2 ** 32) },
      quality: { kind: 'radio', rssi: next() >>> 24, cv: next() >>> 24 },
    }),
  );
  const { bytes, decoded } = roundTrip(entries);
  assert.equal(decoded, entries);
  assert.ok(bytes.length / entries.length < 9, `${bytes.length / entries.length} bytes a reading`);
});

test('the bytes of entries are those the README draws', () => {
  const { bytes } = roundTrip([
    { kind: 'anchor', monotonic: 1000, wall: 1_795_000_000_000, uncertainty: 50 },
    reading(1007, {
      tag: 0x25df,
      value: { type: 'float32', value: 0.5 },
      quality: { kind: 'radio', rssi: 0xfb, cv: 0xe8 },
    }),
    reading(1017, {
      tag: 0x25df,
      value: { type: 'float32', value: 0.5 },
      quality: { kind: 'radio', rssi: 0xfb, cv: 0xe9 },
    }),
    { kind: 'event', monotonic: 1020, code: 'port-lost', subject: 'radio', detail: '' },
  ]);
  const expected = [
    '01d00f80f8b2e5bd6864',
    '00000a726164696f0c01df2500',
    '030e4cfbe80000003f',
    '031408e9',
    '020612706f72742d6c6f73740a726164696f00',
  ];
  assert.is(bytes.toString('hex'), expected.join(''));
});

test('bytes that no encoder wrote are damage, and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      const reader = new ByteReader(Buffer.from(bytes));
      const decoder = new EntryDecoder();
      try {
        while (!reader.atEnd) decoder.decode(reader);
      } catch (error) {
        assert.instance(error, JournalDamage);
      }
    }),
    { numRuns: 2000 },
  );
});

test.run();
