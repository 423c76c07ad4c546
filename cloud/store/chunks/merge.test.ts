import type { Value } from '@loadline/sdk/t24';
import { type Aspect, aspects, type Entry, type Reading } from '@loadline/sdk/telemetry';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { archivedReadings } from '../archive.ts';
import { Committer } from '../commit.ts';
import type { Connection } from '../database.ts';
import { storeReads } from '../reads.ts';
import { SeriesIndex } from '../series-index.ts';
import { delivery, device, withDatabase } from '../test-store.ts';
import type { Place, StoredReading } from './readings.ts';
import { storedReadingAt } from './readings.ts';
import type { SliceSize } from './slice.ts';

const wall = 1_790_000_000_000;
const large: SliceSize = { deliveries: 1000, readings: 100_000, series: 1000 };

/** The database's parts that these tests use. */
function open(connection: Connection, file: string, now = () => wall + 1e6) {
  const committer = new Committer(connection, now);
  const reads = storeReads(connection);
  const options = { file, key: 'a5'.repeat(32) };
  return {
    committer,
    reads,
    /** Every reading stored, in an order that merging does not change. */
    archive: () =>
      [...archivedReadings(options)].sort((a, b) =>
        a.epoch < b.epoch ? -1 : a.epoch > b.epoch ? 1 : a.number - b.number,
      ),
    /** Writes the live index, as the process does every few seconds. */
    checkpoint(): void {
      const { series, through } = reads.seriesIndex({});
      const rows = series.map(({ latest, ...one }) => ({
        ...one,
        latest: latest ? JSON.stringify(latest) : null,
      }));
      committer.commit([{ kind: 'checkpoint', through, series: rows }]);
    },
    /** Merges all that can be. @returns the slices it took */
    merge(size = large): number {
      for (let slices = 0; ; slices++) {
        const slice = reads.mergeSlice({ device, size });
        if (slice === undefined) return slices;
        const [outcome] = committer.commit([slice]);
        assert.is(outcome?.kind, 'done', JSON.stringify(outcome));
      }
    },
  };
}

const value: fc.Arbitrary<Value> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .integer({ min: -300, max: 300 })
      .map((n): Value => ({ type: 'float32', value: Math.fround(n / 100) })),
  },
  fc.integer({ min: -5, max: 5 }).map((n): Value => ({ type: 'int32', value: n })),
  fc.constantFrom<Value>(
    { type: 'none' },
    { type: 'nonFinite', bits: 0x7fc00001 },
    { type: 'string', value: 'später' },
    { type: 'binary', value: Uint8Array.of(1, 2) },
    { type: 'float64', value: -0 },
  ),
);

const reading: fc.Arbitrary<Reading> = fc.record(
  {
    kind: fc.constant('reading' as const),
    port: fc.constantFrom('radio', 'mast'),
    base: fc.nat(16),
    tag: fc.constantFrom(1, 2, 0xffff),
    aspect: fc.constantFrom(...aspects),
    calibration: fc.constantFrom(
      undefined,
      undefined,
      { gain: 0.25, offset: -100 },
      { gain: -1, offset: -0 },
    ),
    monotonic: fc.oneof(
      fc.nat(400),
      fc.nat(400).map((n) => n + 90_000_000),
    ),
    value,
    flags: fc.constantFrom(0, 0x40),
    status: fc.nat(0xff),
    quality: fc.constantFrom(
      { kind: 'none' },
      { kind: 'radio', rssi: 200, cv: 3 },
      { kind: 'lqi', percent: 90 },
    ),
  },
  { noNullPrototype: true },
);

/** Deliveries of three epochs in two boots, one of which may have no anchor; some numbers come twice. */
const story = fc.array(
  fc.record({
    epoch: fc.constantFrom('e0', 'e1', 'f2'),
    first: fc.nat(60),
    readings: fc.array(reading, { minLength: 1, maxLength: 12 }),
    anchor: fc.option(fc.integer({ min: -500, max: 500 }), { nil: undefined }),
    pause: fc.constantFrom('merge', 'checkpoint', 'nothing'),
  }),
  { minLength: 1, maxLength: 12 },
);

const sizes = fc.record({
  deliveries: fc.integer({ min: 1, max: 5 }),
  readings: fc.integer({ min: 1, max: 40 }),
  series: fc.integer({ min: 1, max: 6 }),
});

test('however it is merged, every reading stays, whole and once, and every question has the answer it had', async () => {
  await fc.assert(
    fc.asyncProperty(story, sizes, async (parts, size) => {
      await withDatabase((connection, file) => {
        const { committer, reads, archive, checkpoint, merge } = open(connection, file);
        for (const { epoch, first, readings, anchor, pause } of parts) {
          const entries: Entry[] = [...readings];
          if (anchor !== undefined)
            entries.push({ kind: 'anchor', monotonic: 200, wall: wall + anchor, uncertainty: 1 });
          const boot = (epoch === 'f2' ? 'b2' : 'b1').repeat(16);
          committer.commit([delivery(first, entries, { epoch: epoch.repeat(16), boot })]);
          if (pause !== 'nothing') checkpoint();
          if (pause === 'merge') merge(size);
        }
        const answers = () => ({
          archive: archive(),
          runs: ['e0', 'e1', 'f2'].map((epoch) => reads.run({ device, epoch: epoch.repeat(16) })),
          ledger: reads.ledger({ device, limit: 10 }),
          series: reads
            .seriesIndex({})
            .series.sort((a, b) => a.tag - b.tag || (a.aspect < b.aspect ? -1 : 1)),
          plots: plots(reads),
          pages: pages(reads, 7),
        });
        const before = answers();
        checkpoint();
        merge(size);
        assert.equal(reads.mergeSlice({ device, size }), undefined);
        assert.equal(answers(), before);
        assert.equal(connection.pragma('foreign_key_check'), []);
        // What the archive has of a series is what its pages and its chunks have.
        const timed = before.archive.filter(({ time }) => time !== undefined).length;
        assert.is(before.pages.flat().length, timed);
        assert.is(reads.tails({}).length, 0);
        assert.is(connection.prepare('select coalesce(sum(count), 0) as n from chunk').pluck().get(), timed);
        assert.is(
          connection.prepare('select coalesce(sum(count), 0) as n from chunk_epoch').pluck().get(),
          timed,
        );
      });
    }),
    { numRuns: 40 },
  );
});

type Reads = ReturnType<typeof storeReads>;
const seriesOfStory: { tag: number; aspect: Aspect }[] = [1, 2, 0xffff].flatMap((tag) =>
  aspects.map((aspect) => ({ tag, aspect })),
);

function plots(reads: Reads) {
  return seriesOfStory.map((series) => {
    const { points, count } = reads.range({
      device,
      ...series,
      from: wall - 1000,
      to: wall + 1000,
      points: 8,
    });
    return { points: [...new Set(points.map(String))], count };
  });
}

/** All readings of every series, read by pages; in order, or it throws. */
function pages(reads: Reads, limit: number): StoredReading[][] {
  return seriesOfStory.map((series) => {
    const found: StoredReading[] = [];
    let after: Place | null = null;
    do {
      const page: ReturnType<Reads['readings']> = reads.readings({
        device,
        ...series,
        from: 0,
        to: 9e15,
        after,
        limit,
      });
      assert.ok(page.readings.count <= limit);
      for (let row = 0; row < page.readings.count; row++)
        found.push(storedReadingAt(page.readings, series, row));
      after = page.next;
    } while (after !== null);
    found.forEach((one, at) => {
      const before = found[at - 1];
      if (before === undefined) return;
      const ascends = [
        one.time - before.time,
        one.epoch > before.epoch ? 1 : one.epoch < before.epoch ? -1 : 0,
        one.number - before.number,
      ];
      assert.ok((ascends.find((step) => step !== 0) ?? 0) > 0, 'in the order (time, epoch, number)');
    });
    return found;
  });
}

test('what no checkpoint covers, and what has no time, is not merged', async () => {
  await withDatabase((connection, file) => {
    const { committer, reads, checkpoint, merge } = open(connection, file);
    const some = (monotonic: number): Entry[] => [
      {
        kind: 'reading',
        port: 'radio',
        base: 1,
        tag: 1,
        aspect: 'heard',
        calibration: undefined,
        monotonic,
        value: { type: 'int32', value: monotonic },
        flags: 0,
        status: 0,
        quality: { kind: 'none' },
      },
    ];
    const anchor: Entry = { kind: 'anchor', monotonic: 0, wall, uncertainty: 1 };
    committer.commit([delivery(0, some(1))]);
    checkpoint();
    assert.is(merge(), 0, 'its boot has no anchor');
    committer.commit([delivery(1, [anchor])]);
    assert.is(merge(), 0, 'the live index does not know yet when it was');
    const late = new SeriesIndex(reads.seriesIndex({}).series);
    assert.equal(late.get(device, 1, 'heard')?.latest?.time, wall + 1);
    checkpoint();
    committer.commit([delivery(2, some(2))]);
    assert.is(merge(), 1);
    assert.is(
      connection.prepare('select count(*) from delivery').pluck().get(),
      1,
      'the one behind the checkpoint',
    );
    assert.is(new SeriesIndex(reads.seriesIndex({}).series).get(device, 1, 'heard')?.count, 2);
    checkpoint();
    merge();
    // All deliveries are gone: the next must not be taken for one that the checkpoint covers.
    const again = new Committer(connection, () => wall);
    again.commit([delivery(3, some(3))]);
    assert.is(new SeriesIndex(reads.seriesIndex({}).series).get(device, 1, 'heard')?.count, 3);
  });
});

test.run();
