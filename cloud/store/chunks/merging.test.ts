import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeBatch, type Entry } from '@loadline/sdk/telemetry';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Store } from '../store.ts';
import { delivery, device, firstGateway, numbered } from '../test-store.ts';
import type { DeliveryWrite, Outcome } from '../writes.ts';
import { type StoredReading, storedReadingAt } from './readings.ts';

const folder = mkdtempSync(join(tmpdir(), 'loadline-merging-'));
const options = { file: join(folder, 'loadline.db'), key: 'a5'.repeat(32), durability: 'off' as const };
const wall = 1_790_000_000_000;
const series = { device, tag: 1, aspect: 'heard' } as const;
const always = { from: 0, to: 9e15 };

/** Commits a delivery and takes it into the live index, as the router does. */
async function commit(store: Store, write: DeliveryWrite): Promise<void> {
  const outcome = await new Promise<Outcome>((resolve) => store.write(write, resolve));
  assert.is(outcome.kind, 'delivery');
  if (outcome.kind !== 'delivery' || outcome.id === undefined) return;
  store.index.add(write.device, decodeBatch(write.body), outcome.fresh, outcome.timeline, Date.now());
  store.indexed(outcome.id);
  if (outcome.resolved) store.resolved(write.device, write.boot);
}

async function stored(store: Store): Promise<StoredReading[]> {
  const found: StoredReading[] = [];
  for await (const page of store.readings({ ...series, ...always }, 100)) {
    for (let row = 0; row < page.count; row++) found.push(storedReadingAt(page, series, row));
  }
  return found;
}

test.after(() => rmSync(folder, { recursive: true }));

test('a store merges what came in, takes more meanwhile, and knows all of it when it is opened again', async () => {
  const store = await Store.open(options, assert.unreachable);
  await store.change({ steps: firstGateway, audit: [] });
  const anchor: Entry = { kind: 'anchor', monotonic: 0, wall, uncertainty: 5 };
  await commit(store, delivery(0, [anchor, ...numbered(1, 9)]));
  let merging: Promise<void> = Promise.resolve();
  for (let first = 10; first < 2000; first += 10) {
    await commit(store, delivery(first, numbered(first, first + 9)));
    if (first % 500 === 0) merging = store.merge();
  }
  await merging;
  await store.merge();
  assert.equal(store.merging, { backlog: 0, failures: 0, lastFailure: undefined });
  const before = await stored(store);
  assert.equal(
    before.map(({ number }) => number),
    Array.from({ length: 1999 }, (_, index) => index + 1),
  );
  const live = store.index.all();
  await store.close();

  const again = await Store.open(options, assert.unreachable);
  assert.equal(again.index.all(), live);
  assert.equal(await stored(again), before);
  await commit(again, delivery(2000, numbered(2000, 2009)));
  assert.is(again.index.get(device, 1, 'heard')?.count, 2009);
  await again.close();
});

test('aggregates of many buckets are read a few at a time, and are those of one read', async () => {
  const store = await Store.open(options, assert.unreachable);
  const bounds = Array.from({ length: 301 }, (_, index) => wall + index * 70);
  const whole = await store.read('aggregates', { ...series, bounds });
  assert.is(
    whole.reduce((sum, { count }) => sum + count, 0),
    2009,
  );
  const asked: number[] = [];
  const read = store.read.bind(store);
  store.read = (name, query) => {
    asked.push((query as { bounds: readonly number[] }).bounds.length - 1);
    return read(name, query);
  };
  assert.equal(await store.aggregates({ ...series, bounds }), whole);
  assert.equal(asked, [64, 64, 64, 64, 44]);
  assert.equal(await store.aggregates({ ...series, bounds: [wall] }), []);
  await store.close();
});

test('what expires is cut off its chunk, is counted in the ledger, and takes the newest with it when all is old', async () => {
  const store = await Store.open(options, assert.unreachable);
  await store.merge();
  assert.is(await store.expire(series, wall + 10_000), 0, 'it has not been old for a day');
  assert.is(await store.expire(series, wall + 1e9), 2009);
  assert.is(store.index.get(device, 1, 'heard')?.count, 0);
  assert.is(store.index.get(device, 1, 'heard')?.latest, undefined);
  assert.equal(await stored(store), []);
  assert.is((await store.read('ledger', { device, limit: 1 }))?.readings.expired, 2009);
  await store.close();
  const again = await Store.open(options, assert.unreachable);
  assert.is(again.index.get(device, 1, 'heard')?.count, 0);
  await again.close();
});

test.run();
