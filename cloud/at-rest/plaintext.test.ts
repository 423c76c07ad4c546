// What lies on the disk of a cloud, at work and after it, and in its backups, says nothing without its key.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { foldLog, rekeyDatabase, Store, step, takeFolder } from '../store/index.ts';
import { delivery, device, firstGateway, numbered } from '../store/test-store.ts';
import { makeBackup } from './backup.ts';
import { offerCopies } from './copy-socket.ts';

import { databaseFiles } from './files.ts';

const key = 'a5'.repeat(32);
const email = 'anna.needle@people.example';
const sensor = 'Hook-load-needle';
const silent = { debug() {}, info() {}, warn() {}, error() {} };

const test = suite<{ folder: string; state: string; body: Buffer }>('plaintext on the disk');

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'loadline-plaintext-'));
  context.state = context.folder;
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

/** Every file below a folder with the needles that are in it. */
function found(folder: string, body: Buffer): string[] {
  const needles: Readonly<Record<string, Buffer>> = {
    'an e-mail address': Buffer.from(email),
    'the name of a sensor': Buffer.from(sensor),
    'bytes of a batch': body,
    'the magic of the engine': Buffer.from('SQLite format 3\0'),
    'its schema': Buffer.from('CREATE TABLE'),
    'the name of a table': Buffer.from('received_range'),
  };
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('in-use.lock'))
    .flatMap(({ parentPath, name }) => {
      const content = readFileSync(join(parentPath, name));
      return Object.entries(needles).flatMap(([what, bytes]) =>
        content.includes(bytes) ? [`${what} in ${name}`] : [],
      );
    });
}

/** A store in which somebody and something of that name is, in the file as in its log. */
async function lived(state: string): Promise<{ store: Store; body: Buffer }> {
  const store = await Store.open({ file: databaseFiles(state).database, key }, () => assert.unreachable());
  const person = {
    id: 'ann',
    email,
    name: 'Anna Needle',
    passwordHash: null,
    operator: 0 as const,
    created: 1,
  };
  await store.change({ steps: [...firstGateway, step('addPerson', person)], audit: [] });
  await store.done({ kind: 'reported', device, reported: JSON.stringify({ sensor }) });
  const write = delivery(0, numbered(0, 499));
  for (let first = 0; first < 20_000; first += 500) {
    await new Promise((resolve) => store.write(delivery(first, numbered(first, first + 499)), resolve));
  }
  // A question that is sorted without an index: what does not fit into memory would be spilled.
  await store.read('ledger', { device, limit: 1000 });
  return { store, body: Buffer.from(write.body).subarray(40, 72) };
}

test('a cloud at work and after it leaves nothing readable in any file of its folder', async ({ state }) => {
  const { store, body } = await lived(state);
  const files = readdirSync(state);
  for (const name of ['loadline.db', 'loadline.db-wal', 'loadline.db-shm'])
    assert.ok(files.includes(name), name);
  assert.ok(statSync(join(state, 'loadline.db-wal')).size > 100_000);
  const seen = found(state, body);
  await store.close();
  assert.equal(seen, []);
  assert.ok(statSync(join(state, 'loadline.db')).size > 100_000);
  assert.equal(found(state, body), []);
});

test('nor is anything readable in a backup of a cloud at work, or with another key, or while the key is changed', async ({
  folder,
}) => {
  const state = join(folder, 'state');
  mkdirSync(state, { mode: 0o700 });
  const leave = takeFolder(state);
  const { store, body } = await lived(state);
  const close = await offerCopies(state, store, silent);
  const seen: string[] = [];
  const told = () => void seen.push(...found(folder, body));
  for (const copyKey of [undefined, 'b6'.repeat(32)]) {
    const to = join(folder, `backup-${copyKey === undefined ? 'same' : 'other'}`);
    const manifest = await makeBackup({ state, to, key, copyKey, now: () => 1, told });
    assert.is(manifest.survey.ledger[0]?.readings.stored, 20_000);
    // Its manifest is in clear: figures and digests, and the names of tables.
    const manifested = found(to, body).filter((one) => !/^the name of a table in manifest/.test(one));
    assert.equal(manifested, []);
  }
  await close();
  await store.close();
  leave();
  assert.equal(
    seen.filter((one) => !/^the name of a table in manifest/.test(one)),
    [],
  );
  const { database: file } = databaseFiles(state);
  foldLog({ file, key });
  rekeyDatabase({ file, key }, 'c7'.repeat(32));
  assert.equal(found(state, body), []);
});

test('the needles are found where nothing is encrypted: the control of this test', async ({ folder }) => {
  const { store, body } = await lived(folder);
  await store.close();
  const { default: Database } = await import('better-sqlite3-multiple-ciphers');
  const connection = new Database(databaseFiles(folder).database);
  connection.pragma("cipher = 'aegis'");
  connection.pragma(`key = 'raw:${key}'`);
  connection.pragma('journal_mode = DELETE');
  connection.pragma("rekey = ''");
  connection.close();
  const what = new Set(found(folder, body).map((one) => one.split(' in ')[0]));
  assert.equal([...what].sort(), [
    'an e-mail address',
    'bytes of a batch',
    'its schema',
    'the magic of the engine',
    'the name of a sensor',
    'the name of a table',
  ]);
});

test.run();
