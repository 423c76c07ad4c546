import { zstdCompressSync } from 'node:zlib';
import type { Value } from '@loadline/sdk/t24';
import type { Calibration, Quality } from '@loadline/sdk/telemetry';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isAfter } from '../series-index.ts';
import { decodePlot, decodeRest, encodeChunk, mostReadings } from './codec.ts';
import { ChunkError } from './error.ts';
import { Gatherer } from './gather.ts';
import { type Kind, type Origin, type Readings, type StoredReading, storedReadingAt } from './readings.ts';

const series = { tag: 0x25df, aspect: 'heard' } as const;

const float32 = fc.float({ noNaN: true, noDefaultInfinity: true });
const value: fc.Arbitrary<Value> = fc.oneof(
  fc.constant<Value>({ type: 'none' }),
  fc.nat(0xff).map((n): Value => ({ type: 'uint8', value: n })),
  fc.nat(0xffff).map((n): Value => ({ type: 'uint16', value: n })),
  fc.integer().map((n): Value => ({ type: 'int32', value: n })),
  float32.map((n): Value => ({ type: 'float32', value: n })),
  fc.integer({ min: -9999, max: 9999 }).map((n): Value => ({ type: 'float32', value: Math.fround(n / 100) })),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n): Value => ({ type: 'float64', value: n })),
  fc
    .integer({ min: 1, max: 0x7fffff })
    .map((n): Value => ({ type: 'nonFinite', bits: (0xff800000 | n) >>> 0 })),
  fc.string({ maxLength: 20, unit: 'grapheme' }).map((text): Value => ({ type: 'string', value: text })),
  fc.uint8Array({ maxLength: 20 }).map((bytes): Value => ({ type: 'binary', value: bytes })),
);
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const calibration: fc.Arbitrary<Calibration | undefined> = fc.option(
  fc.oneof(
    fc.constant({ gain: 0.5, offset: -0 }),
    fc.record({ gain: finite, offset: finite }, { noNullPrototype: true }),
  ),
  { nil: undefined },
);
const quality: fc.Arbitrary<Quality> = fc.oneof(
  fc.constant<Quality>({ kind: 'none' }),
  fc.tuple(fc.nat(0xff), fc.nat(0xff)).map(([rssi, cv]): Quality => ({ kind: 'radio', rssi, cv })),
  fc.nat(100).map((percent): Quality => ({ kind: 'lqi', percent })),
);
const time = fc.oneof(
  fc.nat(2000).map((n) => 1_795_000_000_000 + n),
  fc.integer({ min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 }),
);
const stored: fc.Arbitrary<StoredReading> = fc
  .record({
    time,
    epoch: fc.constantFrom('00'.repeat(16), 'e0'.repeat(16), '0123456789abcdef'.repeat(2)),
    number: fc.oneof(fc.nat(100), fc.nat({ max: 2 ** 53 - 1 })),
    arrival: fc.oneof(time, fc.constant(1_795_000_000_000)),
    monotonic: fc.nat(2 ** 31),
    port: fc.constantFrom('radio', 'Brücke', ''),
    base: fc.nat(16),
    calibration,
    value,
    flags: fc.constantFrom(0, 0x40),
    status: fc.nat(0xff),
    quality,
  })
  .map(({ time, epoch, number, arrival, ...rest }) => ({
    time,
    epoch,
    number,
    arrival,
    reading: { kind: 'reading', ...series, ...rest },
  }));

/** Rows that repeat with small steps, as a sensor's do, or any. */
const rows: fc.Arbitrary<StoredReading[]> = fc.oneof(
  fc.array(stored, { minLength: 1, maxLength: 40 }),
  fc
    .record({ one: stored, count: fc.integer({ min: 1, max: 600 }), step: fc.nat(70_000) })
    .map(({ one, count, step }) =>
      Array.from({ length: count }, (_, at) => ({
        ...one,
        time: Math.min(one.time, 1_800_000_000_000) + at * step,
        number: Math.min(one.number, 2 ** 52) + at,
      })),
    ),
);

/** As columns, in order. */
function columnsOf(list: readonly StoredReading[]): Readings {
  const gatherer = new Gatherer();
  for (const one of list) gatherer.addReadings(single(one));
  return gatherer.inOrder();
}

function single({ time, epoch, number, arrival, reading }: StoredReading): Readings {
  const { value, calibration, port, base, quality } = reading;
  const isNumber = 'value' in value && typeof value.value === 'number';
  return {
    count: 1,
    times: Float64Array.of(time),
    values: Float64Array.of(isNumber ? (value.value as number) : Number.NaN),
    kind: Uint32Array.of(0),
    kinds: [{ type: value.type, calibration } satisfies Kind],
    others: new Map(isNumber || value.type === 'none' ? [] : [[0, value]]),
    epoch: Uint32Array.of(0),
    epochs: [epoch],
    numbers: Float64Array.of(number),
    monotonic: Float64Array.of(reading.monotonic),
    arrivals: Float64Array.of(arrival),
    origin: Uint32Array.of(0),
    origins: [{ port, base, quality: quality.kind } satisfies Origin],
    flags: Uint8Array.of(reading.flags),
    status: Uint8Array.of(reading.status),
    rssi: Uint8Array.of(
      quality.kind === 'radio' ? quality.rssi : quality.kind === 'lqi' ? quality.percent : 0,
    ),
    cv: Uint8Array.of(quality.kind === 'radio' ? quality.cv : 0),
  };
}

function listOf(readings: Readings): StoredReading[] {
  return Array.from({ length: readings.count }, (_, row) => storedReadingAt(readings, series, row));
}

test('what is encoded comes out as it went in, every reading with all it has, in order', () => {
  fc.assert(
    fc.property(rows, (list) => {
      const { plot, rest } = encodeChunk(columnsOf(list));
      const found = listOf(decodeRest(rest, decodePlot(plot)));
      const wanted = [...list].sort((a, b) => (isAfter(a, b) ? 1 : isAfter(b, a) ? -1 : 0));
      assert.equal(found, wanted);
      // What `equal` does not tell apart.
      found.forEach(({ reading }, at) => {
        const other = wanted[at]?.reading;
        if ('value' in reading.value && other !== undefined && 'value' in other.value) {
          assert.ok(
            typeof reading.value.value !== 'number' || Object.is(reading.value.value, other.value.value),
          );
        }
        assert.ok(Object.is(reading.calibration?.offset, other?.calibration?.offset));
      });
    }),
    { numRuns: 300 },
  );
});

test('a float that is not finite keeps its bits, and equal times are all kept in the order of their numbers', () => {
  const at = (number: number, value: Value): StoredReading => ({
    time: 1_795_000_000_000,
    epoch: 'e0'.repeat(16),
    number,
    arrival: 1_795_000_000_050,
    reading: {
      kind: 'reading',
      port: 'radio',
      base: 1,
      ...series,
      calibration: undefined,
      monotonic: 5,
      value,
      flags: 0,
      status: 0,
      quality: { kind: 'none' },
    },
  });
  const list = [
    at(2, { type: 'nonFinite', bits: 0x7fa0_0001 }),
    at(1, { type: 'float32', value: -0 }),
    at(3, { type: 'nonFinite', bits: 0xff80_0000 }),
  ];
  const { plot, rest } = encodeChunk(columnsOf(list));
  const [first, ...others] = listOf(decodeRest(rest, decodePlot(plot)));
  assert.ok(first?.reading.value.type === 'float32' && Object.is(first.reading.value.value, -0));
  assert.equal(others, [list[0], list[2]]);
});

test('a body that is torn, changed, or of another version is refused with what is wrong, and never makes up readings', () => {
  const list = Array.from({ length: 50 }, (_, at) => ({
    ...(fc.sample(stored, { numRuns: 1, seed: at + 1 })[0] as StoredReading),
  }));
  const readings = columnsOf(list);
  const { plot, rest } = encodeChunk(readings);
  const opened = decodePlot(plot);
  const refuses = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      assert.instance(error, ChunkError);
      assert.match((error as Error).message, /^the body of a chunk cannot be read: ./);
      return;
    }
    assert.unreachable('it was read');
  };
  for (let length = 0; length < plot.length; length++) refuses(() => decodePlot(plot.subarray(0, length)));
  for (let length = 0; length < rest.length; length++)
    refuses(() => decodeRest(rest.subarray(0, length), opened));
  for (const body of [plot, rest]) {
    for (let index = 0; index < body.length; index++) {
      const changed = Uint8Array.from(body);
      changed[index] = (changed[index] as number) ^ 0x55;
      // A bit that says nothing may change; what is read is what was written then.
      try {
        assert.equal(
          body === plot ? decodePlot(changed) : decodeRest(changed, opened),
          body === plot ? opened : readings,
        );
      } catch (error) {
        assert.instance(error, ChunkError, `byte ${index}: ${error}`);
      }
    }
  }
  refuses(() => decodeRest(encodeChunk(columnsOf(list.slice(1))).rest, opened));
  refuses(() => decodePlot(Uint8Array.of(2, ...plot.subarray(1))));
});

test('any content of a body is read or refused by name, and costs no more than a chunk does', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (content) => {
      for (const decode of [
        (body: Uint8Array) => decodePlot(body),
        (body: Uint8Array) => decodeRest(body, decodePlot(encodeChunk(columnsOf([])).plot)),
      ]) {
        try {
          const { count } = decode(bodyOf(content));
          assert.ok(count <= mostReadings);
        } catch (error) {
          assert.instance(error, ChunkError, String(error));
        }
      }
    }),
    { numRuns: 2000 },
  );
});

/** A body of this content, with the checksum that belongs to it. */
function bodyOf(content: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.of(1), zstdCompressSync(content)]);
}

test.run();
