import { type Entry, physical } from '@loadline/sdk/telemetry';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ArchivedReading, archivedReadings } from '../archive.ts';
import { Committer } from '../commit.ts';
import { Downsampler } from '../downsample.ts';
import { storeReads } from '../reads.ts';
import { isAfter } from '../series-index.ts';
import { delivery, device, withDatabase } from '../test-store.ts';
import { type Place, placeAt } from './readings.ts';

const wall = 1_790_000_000_000;
const apart = 3 * 3_600_000;
const lots = 15;
const each = 80;
const series = { device, tag: 1, aspect: 'heard' } as const;
const span = lots * apart;

/** One series in lots hours apart, of which each is a chunk in the end; most seconds have several readings. */
function lot(at: number, from = at * apart): Entry[] {
  return Array.from({ length: each }, (_, index): Entry => {
    const heard = ((index * 37 + at * 11) % 101) - 50;
    return {
      kind: 'reading',
      port: 'radio',
      base: 1,
      tag: 1,
      aspect: 'heard',
      calibration: at % 3 === 0 ? { gain: -2, offset: 1 } : undefined,
      monotonic: from + 1000 * ((index * 7) % 30),
      value: index % 29 === 5 ? { type: 'nonFinite', bits: 0x7fc00000 } : { type: 'float32', value: heard },
      flags: 0,
      status: 0,
      quality: { kind: 'none' },
    };
  });
}

function physicalOf({ reading: { value, calibration } }: ArchivedReading): number | null {
  return value.type === 'float32' ? physical(value.value, calibration) : null;
}

test('summaries, chunks and what is not merged together draw what the readings one by one would, and pages lose no equal times', async () => {
  await withDatabase((connection, file) => {
    const committer = new Committer(connection, () => wall + span);
    const reads = storeReads(connection);
    committer.commit([delivery(0, [{ kind: 'anchor', monotonic: 0, wall, uncertainty: 1 }])]);
    const put = (at: number, from?: number) => committer.commit([delivery(1 + at * each, lot(at, from))]);
    for (let at = 0; at < lots - 1; at++) put(at);
    const { through } = reads.seriesIndex({});
    committer.commit([{ kind: 'checkpoint', through, series: [] }]);
    for (;;) {
      const slice = reads.mergeSlice({ device, size: { deliveries: 1, readings: each, series: 1 } });
      if (slice === undefined) break;
      assert.is(committer.commit([slice])[0]?.kind, 'done');
    }
    // Late: among those of a chunk, some at the same times.
    put(lots - 1, 3 * apart + 2000);
    const chunks = connection.prepare('select count(*) from chunk').pluck().get() as number;
    assert.ok(chunks >= 8, `${chunks} chunks`);
    const archive = [...archivedReadings({ file, key: 'a5'.repeat(32) })] as (ArchivedReading & Place)[];
    assert.is(archive.length, lots * each);
    archive.sort((a, b) => (isAfter(a, b) ? 1 : -1));

    const time = fc.oneof(
      fc.integer({ min: -1, max: span }),
      fc.constantFrom(0, span),
      fc.nat(lots).map((at) => at * apart + 5000),
    );
    fc.assert(
      fc.property(time, time, fc.integer({ min: 8, max: 2000 }), (one, other, points) => {
        const [from, to] = [wall + Math.min(one, other), wall + Math.max(one, other)];
        const sampler = new Downsampler(from, to, points);
        const within = archive.filter((reading) => reading.time >= from && reading.time <= to);
        for (const reading of within) sampler.add({ ...reading, value: physicalOf(reading) });
        const distinct = (drawn: readonly (readonly [number, number | null])[]) => [
          ...new Set(drawn.map(String)),
        ];
        const found = reads.range({ ...series, from, to, points });
        assert.is(found.count, within.length);
        assert.equal(
          distinct(found.points),
          distinct(sampler.result().map(({ time: at, value }) => [at, value])),
        );
      }),
      { numRuns: 200 },
    );
    fc.assert(
      fc.property(
        time,
        time,
        fc.oneof(fc.integer({ min: 1, max: 200 }), fc.constant(each)),
        (one, other, limit) => {
          const [from, to] = [wall + Math.min(one, other), wall + Math.max(one, other)];
          const found: Place[] = [];
          let after: Place | null = null;
          do {
            const page: ReturnType<typeof reads.readings> = reads.readings({
              ...series,
              from,
              to,
              after,
              limit,
            });
            for (let row = 0; row < page.readings.count; row++) found.push(placeAt(page.readings, row));
            after = page.next;
            // A small page a thousand times is slow: what matters has been seen.
          } while (after !== null && found.length < limit * 20);
          const within = archive.filter((reading) => reading.time >= from && reading.time <= to);
          if (after === null) assert.is(found.length, within.length);
          const wanted = within.slice(0, found.length);
          assert.equal(
            found,
            wanted.map(({ time: at, epoch, number }) => ({ time: at, epoch, number })),
          );
        },
      ),
      { numRuns: 40 },
    );
  });
});

test.run();
