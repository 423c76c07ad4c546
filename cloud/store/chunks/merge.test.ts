import type { Value } from '@loadline/sdk/t24';
import { type Aspect, aspects, type Entry, physical, type Reading } from '@loadline/sdk/telemetry';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ArchivedReading, archivedReadings } from '../archive.ts';
import { Committer } from '../commit.ts';
import type { Connection } from '../database.ts';
import { Downsampler } from '../downsample.ts';
import { storeReads } from '../reads.ts';
import { isAfter, SeriesIndex } from '../series-index.ts';
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
        assert.equal(before.plots, plotsOf(before.archive));
        assert.equal(
          before.series
            // One whose numbers were all known is named, with nothing of it stored.
            .filter(({ count }) => count > 0)
            .map(({ tag, aspect, count, latest }) => [tag, aspect, count, latest?.epoch, latest?.number]),
          newestOf(before.archive, wall + 1e6),
        );
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
    { numRuns: 25 },
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

/** The same from nothing but the readings, one by one. */
function plotsOf(archive: readonly ArchivedReading[]) {
  return seriesOfStory.map(({ tag, aspect }) => {
    const sampler = new Downsampler(wall - 1000, wall + 1000, 8);
    for (const { time, epoch, number, reading } of archive) {
      if (reading.tag !== tag || reading.aspect !== aspect) continue;
      if (time === undefined || time < wall - 1000 || time > wall + 1000) continue;
      const { value, calibration } = reading;
      const heard = 'value' in value && typeof value.value === 'number' ? value.value : Number.NaN;
      const known = physical(heard, calibration);
      sampler.add({ time, epoch, number, value: Number.isFinite(known) ? known : null });
    }
    const points = sampler.result().map(({ time, value }) => [time, value]);
    return { points: [...new Set(points.map(String))], count: sampler.count };
  });
}

/** How many of each series, and where the newest stands: by its own time, unless that is far ahead of its arrival. */
function newestOf(archive: readonly ArchivedReading[], arrival: number) {
  const series = new Map<string, ArchivedReading[]>();
  for (const one of archive) {
    const key = `${one.reading.tag} ${one.reading.aspect}`;
    series.set(key, [...(series.get(key) ?? []), one]);
  }
  return [...series.values()]
    .map((readings) => {
      const { tag, aspect } = (readings[0] as ArchivedReading).reading;
      let newest: (Place & ArchivedReading) | undefined;
      for (const one of readings) {
        if (one.time === undefined || one.time > arrival + 300_000) continue;
        const placed = { ...one, time: one.time };
        if (newest === undefined || isAfter(placed, newest)) newest = placed;
      }
      return [tag, aspect, readings.length, newest?.epoch, newest?.number] as const;
    })
    .sort(([a, x], [b, y]) => a - b || (x < y ? -1 : 1));
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

test('the newest is the newest by its own time, whatever comes late, again, from another run, or by a clock set back', async () => {
  await withDatabase((connection, file) => {
    const { committer, reads, checkpoint, merge } = open(connection, file);
    const epochs = ['e0', 'e1', 'f2'].map((name) => name.repeat(16));
    const boots = ['b0', 'b1', 'b2'].map((name) => name.repeat(16));
    const numbers = [0, 0, 0];
    const deliver = (run: number, entries: Entry[]) => {
      const [epoch, boot, first] = [epochs[run] as string, boots[run] as string, numbers[run] as number];
      numbers[run] = first + entries.length;
      committer.commit([delivery(first, entries, { epoch, boot })]);
    };
    const anchor = (monotonic: number, at: number): Entry => ({
      kind: 'anchor',
      monotonic,
      wall: at,
      uncertainty: 1,
    });
    const one = (monotonic: number, heard: Value, over: Partial<Reading> = {}): Entry => ({
      kind: 'reading',
      port: 'radio',
      base: 1,
      tag: 1,
      aspect: 'heard',
      calibration: undefined,
      monotonic,
      value: heard,
      flags: 0,
      status: 0,
      quality: { kind: 'none' },
      ...over,
    });
    const int = (value: number): Value => ({ type: 'int32', value });
    const newest = () => {
      const told = () => {
        const latest = new SeriesIndex(reads.seriesIndex({}).series).get(device, 1, 'heard')?.latest;
        return latest && [latest.time - wall, latest.value, latest.calibration];
      };
      const before = told();
      checkpoint();
      merge();
      assert.equal(told(), before, 'the same when it is merged');
      return before;
    };
    deliver(0, [anchor(0, wall), one(1000, int(1))]);
    assert.equal(newest(), [1000, int(1), null]);
    deliver(0, [one(500, int(2))]);
    assert.equal(newest(), [1000, int(1), null], 'late');
    deliver(0, [one(1000, int(3))]);
    assert.equal(newest(), [1000, int(3), null], 'of one time, the later number');
    deliver(1, [anchor(0, wall), one(1000, int(4))]);
    assert.equal(newest(), [1000, int(4), null], 'of one time, the later epoch');
    deliver(0, [one(1000, int(5))]);
    assert.equal(newest(), [1000, int(4), null], 'and not the later arrival');
    deliver(0, [one(1100, int(6), { calibration: { gain: 2, offset: 1 } })]);
    assert.equal(newest(), [1100, int(6), { gain: 2, offset: 1 }], 'a calibration that changed');
    deliver(0, [one(1200, { type: 'string', value: 'off' })]);
    assert.equal(newest(), [1200, { type: 'string', value: 'off' }, null], 'a type that changed');
    deliver(0, [anchor(2000, wall + 300), one(2001, int(7))]);
    assert.equal(newest(), [1200, { type: 'string', value: 'off' }, null], 'by a clock that was set back');
    deliver(0, [one(3000, int(8))]);
    assert.equal(newest(), [1300, int(8), null], 'until it is past that again');
    deliver(2, [one(10, int(9))]);
    assert.equal(newest(), [1300, int(8), null], 'without a time');
    deliver(2, [anchor(0, wall + 5000)]);
    assert.equal(newest(), [5010, int(9), null], 'with one that came late');
    const { points, count } = reads.range({
      device,
      tag: 1,
      aspect: 'heard',
      from: wall,
      to: wall + 9999,
      points: 100,
    });
    assert.is(count, 10);
    assert.equal(
      points.map(([time, value]) => [time - wall, value]),
      [
        [301, 7],
        [500, 2],
        [1000, 1],
        [1000, 3],
        [1000, 5],
        [1000, 4],
        [1100, 13],
        [1200, null],
        [1300, 8],
        [5010, 9],
      ],
    );
  });
});

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
