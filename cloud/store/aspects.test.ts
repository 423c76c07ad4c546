import type { Entry, Reading } from '@loadline/sdk/telemetry';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Committer } from './commit.ts';
import { migrate, openConnection } from './database.ts';
import { migrations } from './migrations.ts';
import { storeReads } from './reads.ts';
import { SeriesIndex } from './series-index.ts';
import { delivery, device, epoch, withDatabase } from './test-store.ts';
import type { DeliveryOutcome } from './writes.ts';

const wall = 1_790_000_000_000;
const anchor = { kind: 'anchor', monotonic: 0, wall, uncertainty: 5 } as const;
const calibration = { gain: 0.25, offset: -100 };

function reading(monotonic: number, value: number, over: Partial<Reading> = {}): Reading {
  return {
    kind: 'reading',
    port: 'radio',
    base: 1,
    tag: 1,
    aspect: 'heard',
    calibration: undefined,
    monotonic,
    value: { type: 'int32', value },
    flags: 0,
    status: 0,
    quality: { kind: 'none' },
    ...over,
  };
}

/** One tag, three aspects; its calibration changes on the way. */
const entries: Entry[] = [
  anchor,
  reading(10, 400, { calibration }),
  reading(20, 404, { calibration }),
  reading(30, 7, { aspect: 'mean' }),
  reading(40, 9, { aspect: 'max' }),
  reading(50, 404, { calibration: { gain: 1, offset: 0.5 } }),
];

test('each aspect of a tag is a series of its own, and its numbers are physical', async () => {
  await withDatabase((connection) => {
    const write = delivery(0, entries);
    const [outcome] = new Committer(connection, () => wall).commit([write]);
    assert.is((outcome as DeliveryOutcome).stored, 5);
    const reads = storeReads(connection);
    const values = (aspect: Reading['aspect']) =>
      reads
        .range({ device, tag: 1, aspect, from: 0, to: 9e12, points: 100 })
        .points.map(([, value]) => value);
    assert.equal(values('heard'), [0, 1, 404.5]);
    assert.equal([values('mean'), values('max'), values('min')], [[7], [9], []]);
    assert.equal(reads.run({ device, epoch })?.series, [
      { tag: 1, aspect: 'heard', count: 3, first: 0, last: 404.5, min: 0, max: 404.5 },
      { tag: 1, aspect: 'mean', count: 1, first: 7, last: 7, min: 7, max: 7 },
      { tag: 1, aspect: 'max', count: 1, first: 9, last: 9, min: 9, max: 9 },
    ]);
  });
});

test('the latest reading of an aspect is as it was heard, with its calibration, after a restart too', async () => {
  await withDatabase((connection) => {
    const committer = new Committer(connection, () => wall);
    committer.commit([delivery(0, entries.slice(0, 3))]);
    const { series, through } = storeReads(connection).seriesIndex({});
    const [heard] = series;
    assert.equal(heard?.latest?.value, { type: 'int32', value: 404 });
    assert.equal(heard?.latest?.calibration, calibration);
    const rows = series.map(({ latest, ...one }) => ({ ...one, latest: JSON.stringify(latest) }));
    committer.commit([{ kind: 'checkpoint', through, series: rows }]);
    committer.commit([delivery(3, entries.slice(3))]);
    const index = new SeriesIndex(storeReads(connection).seriesIndex({}).series);
    assert.is(index.get(device, 1, 'heard')?.count, 3);
    assert.equal(index.get(device, 1, 'heard')?.latest?.calibration, { gain: 1, offset: 0.5 });
    assert.equal(index.get(device, 1, 'mean')?.latest?.value, { type: 'int32', value: 7 });
    assert.is(index.get(device, 1, 'mean')?.latest?.calibration, null);
    assert.is(index.get(device, 1, 'derived'), undefined);
  });
});

test('a database of the first version is brought up to date, and its series are as they were heard', async () => {
  await withDatabase((_, file) => {
    const connection = openConnection({ file: `${file}.old`, key: 'a5'.repeat(32) }, 'write');
    try {
      migrate(connection, migrations.slice(0, 1));
      const latest = {
        time: wall,
        epoch,
        number: 4,
        value: { type: 'int32', value: 5 },
        flags: 0,
        status: 0,
      };
      connection.exec(`
        insert into organisation values ('first', 'First');
        insert into gateway (id, organisation) values ('mast', 'first');
        insert into series values (1, 513, 42, '${JSON.stringify(latest)}'), (1, 514, 7, null);
        insert into checkpoint values (1, 99);`);
      migrate(connection, migrations);
      const { series, through } = storeReads(connection).seriesIndex({});
      assert.is(through, 99);
      assert.equal(series, [
        { device: 1, tag: 513, aspect: 'heard', count: 42, latest: { ...latest, calibration: null } },
        { device: 1, tag: 514, aspect: 'heard', count: 7, latest: undefined },
      ]);
      // And it takes what only the present version has.
      const [outcome] = new Committer(connection, () => wall).commit([delivery(0, entries)]);
      assert.is(outcome?.kind, 'delivery');
    } finally {
      connection.close();
    }
  });
});

test.run();
