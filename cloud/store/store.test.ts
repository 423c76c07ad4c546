import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeBatch } from '@loadline/sdk/telemetry';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { takeFolder } from './database.ts';
import { Store } from './store.ts';
import { delivery, firstGateway, numbered } from './test-store.ts';
import type { DeliveryWrite, Outcome } from './writes.ts';

const folder = mkdtempSync(join(tmpdir(), 'loadline-store-'));
const options = { file: join(folder, 'loadline.db'), key: 'a5'.repeat(32) };
const anchor = { kind: 'anchor', monotonic: 10, wall: 1_790_000_000_000, uncertainty: 5 } as const;

/** Commits a delivery and takes it into the live index, as the router does. */
async function commit(store: Store, write: DeliveryWrite): Promise<Outcome> {
  const outcome = await new Promise<Outcome>((resolve) => store.write(write, resolve));
  if (outcome.kind === 'delivery' && outcome.id !== undefined) {
    store.index.add(write.device, decodeBatch(write.body), outcome.fresh, outcome.timeline, Date.now());
    store.indexed(outcome.id);
    if (outcome.resolved) store.resolved(write.device, write.boot);
  }
  return outcome;
}

test.after(() => rmSync(folder, { recursive: true }));

test('a closed store, opened again, knows its series as before', async () => {
  const store = await Store.open(options, assert.unreachable);
  await store.change({ steps: firstGateway, audit: [] });
  await commit(store, delivery(1, [anchor]));
  await commit(store, delivery(2, numbered(2, 50)));
  const before = store.index.all();
  await store.close();

  const again = await Store.open(options, assert.unreachable);
  assert.equal(again.index.all(), before);
  assert.is(again.index.get(1, 1, 'heard')?.count, 49);
  assert.equal(again.index.get(1, 1, 'heard')?.latest?.value, { type: 'int32', value: 50 });
  await again.close();
});

test('late readings are counted, and never become the latest', async () => {
  const store = await Store.open(options, assert.unreachable);
  await commit(store, delivery(100, numbered(100, 110)));
  await commit(store, delivery(60, numbered(60, 70)));
  assert.is(store.index.get(1, 1, 'heard')?.count, 49 + 11 + 11);
  assert.equal(store.index.get(1, 1, 'heard')?.latest?.value, { type: 'int32', value: 110 });
  await store.close();
});

test('a reading from far in the future is stored, and does not hide the others', async () => {
  const store = await Store.open(options, assert.unreachable);
  const [future] = numbered(200, 200);
  assert.ok(future);
  const ahead = { ...future, monotonic: Date.now() - anchor.wall + 3_600_000 };
  const outcome = await commit(store, delivery(200, [ahead]));
  assert.is(outcome.kind === 'delivery' && outcome.stored, 1);
  assert.equal(store.index.get(1, 1, 'heard')?.latest?.value, { type: 'int32', value: 110 });
  await store.close();
});

test('readings that get their time late become the latest, after a restart in between as well', async () => {
  const run = { epoch: 'e5'.repeat(16), boot: 'b5'.repeat(16) };
  const first = await Store.open(options, assert.unreachable);
  const tag2 = numbered(5, 9).map((entry) => (entry.kind === 'reading' ? { ...entry, tag: 2 } : entry));
  await commit(first, delivery(5, tag2, run));
  assert.is(first.index.get(1, 2, 'heard')?.latest, undefined);
  await first.close();

  const second = await Store.open(options, assert.unreachable);
  await commit(second, delivery(0, [anchor], run));
  await second.close();
  assert.equal(second.index.get(1, 2, 'heard')?.latest?.value, { type: 'int32', value: 9 });

  const third = await Store.open(options, assert.unreachable);
  assert.equal(third.index.get(1, 2, 'heard'), second.index.get(1, 2, 'heard'));
  await third.close();
});

test('a wrong key opens nothing, and says so', async () => {
  let message = '';
  try {
    await Store.open({ ...options, key: 'b6'.repeat(32) }, assert.unreachable);
  } catch (error) {
    message = (error as Error).message;
  }
  assert.match(message, /does not open with this key/);
});

test('what is written after the close is refused, not lost in silence', async () => {
  const store = await Store.open(options, assert.unreachable);
  await store.close();
  const outcome = await new Promise<Outcome>((resolve) =>
    store.write(delivery(300, numbered(300, 300)), resolve),
  );
  assert.is(outcome.kind, 'failed');
});

test('a folder in use is refused to a second cloud, and free again after the first', () => {
  const leave = takeFolder(folder);
  assert.throws(() => takeFolder(folder), /in use by another cloud/);
  leave();
  takeFolder(folder)();
});

test.run();
