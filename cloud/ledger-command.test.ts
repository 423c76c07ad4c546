import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeBatch, type Entry } from '@loadline/sdk/telemetry';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { databaseFiles } from './at-rest/index.ts';
import { ledgerCommand } from './ledger-command.ts';
import { openConnection } from './store/database.ts';
import { Store } from './store/index.ts';
import { delivery, device, firstGateway, numbered } from './store/test-store.ts';
import type { DeliveryWrite, Outcome } from './store/writes.ts';

const folder = mkdtempSync(join(tmpdir(), 'loadline-ledger-'));
const state = join(folder, 'state');
const key = 'a5'.repeat(32);
const { database, key: keyFile } = databaseFiles(state);
const options = { file: database, key, durability: 'off' as const };
const wall = 1_790_000_000_000;

async function commit(store: Store, write: DeliveryWrite): Promise<void> {
  const outcome = await new Promise<Outcome>((resolve) => store.write(write, resolve));
  if (outcome.kind !== 'delivery' || outcome.id === undefined) return;
  store.index.add(write.device, decodeBatch(write.body), outcome.fresh, outcome.timeline, wall);
  store.indexed(outcome.id);
}

async function check(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const to = (name: 'out' | 'err') => ({
    write: (text: string) => {
      said[name] += text;
    },
  });
  const io = { out: to('out'), err: to('err'), sources: { environment: undefined, credential: undefined } };
  return { code: await ledgerCommand(args, io), ...said };
}

test.before(async () => {
  mkdirSync(state);
  writeFileSync(keyFile, `${key}\n`, { mode: 0o600 });
  const store = await Store.open(options, assert.unreachable);
  await store.change({ steps: firstGateway, audit: [] });
  const anchor: Entry = { kind: 'anchor', monotonic: 0, wall, uncertainty: 5 };
  await commit(store, delivery(0, [anchor, ...numbered(1, 9)]));
  for (let first = 10; first < 500; first += 10) {
    await commit(store, delivery(first, numbered(first, first + 9)));
    // Part of it has come before.
    await commit(store, delivery(first + 5, numbered(first + 5, first + 14)));
  }
  await store.merge();
  await commit(store, delivery(510, numbered(510, 519)));
  await store.close();
});
test.after(() => rmSync(folder, { recursive: true }));

test('every account agrees with what is in the store, in chunks and not', async () => {
  const { code, out } = await check('check', '--state', state, '--json');
  const [verdict] = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal([verdict.device, verdict.found, verdict.faults], ['mast', verdict.readings.stored, []]);
  assert.ok(verdict.readings.duplicate > 0);
  assert.is(code, 0);
});

test('readings that expired are accounted for', async () => {
  const store = await Store.open(options, assert.unreachable);
  const before = store.index.get(device, 1, 'heard')?.count ?? 0;
  await store.merge();
  const expired = await store.expire({ device, tag: 1, aspect: 'heard' }, wall + 86_400_000);
  assert.is(expired, before);
  await store.close();
  const { code, out } = await check('check', '--state', state, '--json');
  assert.equal([code, JSON.parse(out).found, JSON.parse(out).readings.expired], [0, 0, before]);
});

test('an account that somebody changed is told apart, and the check ends with 1', async () => {
  const connection = openConnection(options, 'write');
  connection.exec('UPDATE device SET readings_expired = readings_expired - 1');
  connection.close();
  const { code, out } = await check('check', '--state', state);
  assert.is(code, 1);
  assert.match(out, /first\/mast: .* DOES NOT AGREE: \d+ readings stored, and 0 found \+ \d+ expired/);
});

test('what cannot be checked is said, and ends with 2', async () => {
  assert.is((await check()).code, 2);
  assert.match((await check('check')).err, /--state is missing/);
  assert.match((await check('check', '--state', folder)).err, /is not the state folder of a cloud/);
  assert.match((await check('balance')).err, /no such command/);
  assert.match((await check('check', '--help')).out, /received = stored/);
});

test.run();
