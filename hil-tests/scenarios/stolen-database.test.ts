// @long
// Whoever steals the cloud's files can read nothing without its key, and with it finds nothing in them that opens anything.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cloudCommand } from './cloud-command.ts';
import { columnBytes, filesBelow, foundBelow, foundIn, modeOf, type Needle } from './needles.ts';
import { guess, type RobbedCloud, robbedCloud, text, unit } from './robbed-cloud.ts';
import { allRows, openStateDatabase } from './state-database.ts';

const test = suite('a stolen database');

let robbed: RobbedCloud;

test.before(async () => {
  robbed = await robbedCloud();
});
test.after(() => robbed?.end());

test('secrets of every kind were handed out: the control of what is looked for', () => {
  const kinds = new Set(robbed.site.loot.secrets.map(({ kind }) => kind));
  assert.equal([...kinds].sort(), [
    'application-secret',
    'device-cookie',
    'device-secret',
    'enrolment',
    'link',
    'password',
    'recovery-code',
    'session',
    'token',
    'totp',
  ]);
  assert.ok(robbed.site.loot.of('password').includes(guess));
});

test('without its key nothing in its files can be read: no table, no reading, no name, no secret', () => {
  const readable: Needle[] = [
    'SQLite format 3',
    'CREATE TABLE',
    'received_range',
    'device_credential',
    'first-logger',
    'enrolment',
    'secret_hash',
    'operator',
    'mast-1',
    'Hook',
    unit,
    '$argon2id$',
    'float32',
    'people.example',
  ].map((name) => ({ name, bytes: Buffer.from(name) }));
  // A reading of this value, in the byte order of the batches: 12.5 twenty times over in every one.
  const reading = { name: 'readings', bytes: Buffer.from(new Float32Array([12.5, 12.5, 12.5, 12.5]).buffer) };
  const files = robbed.databaseFiles();
  assert.ok(
    files.some((file) => file.endsWith('-wal') && statSync(file).size > 0),
    String(files),
  );
  const needles = [...readable, reading, ...robbed.secrets];
  for (const file of files) {
    // The index of the log holds page numbers and no content, in the clear; it is searched like the others.
    assert.equal(foundIn(readFileSync(file), needles), [], file);
  }
});

/** All columns of a table as bytes, apart from each other. */
function bytesOf(rows: readonly Record<string, unknown>[]): Buffer {
  const values = rows.flatMap((row) => Object.values(row).map((value) => Buffer.from(columnBytes(value))));
  return Buffer.concat(values.flatMap((value) => [value, Buffer.of(0, 10, 0)]));
}

test('the needles are found where they are: the control of the search', () => {
  const everything = Buffer.concat([...robbed.dump().values()].map(bytesOf));
  for (const word of [unit, 'mast-1', '$argon2id$', 'people.example']) {
    assert.ok(foundIn(everything, text('it', word)).length > 0, word);
  }
  for (const { kind, value } of robbed.site.loot.secrets) {
    const planted = Buffer.from(`{"of":"${Buffer.from(`x${value}`).toString('base64')}"}`);
    assert.ok(foundIn(planted, robbed.secrets).length > 0, kind);
    assert.ok(foundIn(Buffer.from(`…${value}…`), robbed.secrets).length > 0, kind);
  }
});

test('with its key it still holds none of the secrets that were handed out or told, in no form', () => {
  const tables = robbed.dump();
  for (const name of [
    'person_session',
    'link',
    'enrolment',
    'recovery_code',
    'api_token',
    'application_key',
    'device_credential',
    'fleet',
    'accounting_record',
    'rejection',
    'once',
    'audit',
  ]) {
    assert.ok((tables.get(name)?.length ?? 0) > 0, name);
  }
  for (const [table, rows] of tables) assert.equal(foundIn(bytesOf(rows), robbed.secrets), [], table);
});

test('no log holds one, and no file of its folder but those that are there for it', () => {
  const log = readFileSync(robbed.temporary.logFile);
  assert.equal(foundIn(log, robbed.secrets), []);
  // It does say what happened.
  for (const event of ['gateway-enrolled', 'listening']) {
    assert.ok(foundIn(log, text('it', event)).length > 0, event);
  }
  const { state } = robbed.temporary;
  const meant = ['database.key', 'keys.json'].map((file) => join(state, file));
  const outbox = filesBelow(state).filter((file) => file.startsWith(join(state, 'outbox')));
  assert.equal(foundBelow(state, robbed.secrets, [...meant, ...outbox]), []);
});

test('a mail holds the one link that it is for, and nothing else that opens something', async () => {
  const others = robbed.site.loot.secrets.filter(({ kind }) => kind !== 'link');
  const mails = await robbed.site.mails.texts();
  assert.ok(mails.length > 20);
  const needles = others.flatMap(({ kind, value }) => text(kind, value));
  for (const mail of mails) {
    assert.equal(foundIn(Buffer.from(mail.text), needles), [], mail.kind);
    const held = robbed.links.filter((link) => mail.text.includes(link));
    assert.ok(held.length <= 1, `${mail.kind} has ${held.length} links`);
  }
  const holders = (link: string) => mails.filter((mail) => mail.text.includes(link)).length;
  assert.equal(
    robbed.links.filter((link) => holders(link) !== 1),
    [],
  );
});

test('the folder is its owner alone to enter, and what opens something is nobody else to read', () => {
  assert.is(modeOf(robbed.temporary.state), 0o700);
  for (const folder of ['authority', 'outbox'])
    assert.is(modeOf(join(robbed.temporary.state, folder)), 0o700);
  for (const file of filesBelow(robbed.temporary.state)) {
    const holdsSecret =
      foundIn(readFileSync(file), [...robbed.secrets, ...text('a key', 'PRIVATE KEY')]).length > 0;
    if (holdsSecret || ['database.key', 'keys.json'].includes(basename(file))) {
      assert.is(modeOf(file), 0o600, file);
    }
    assert.is(modeOf(file) & 0o022, 0, `${file} can be written by others`);
  }
  // The keys are apart from what they open: whoever copies the database has not copied them.
  assert.equal(
    foundBelow(robbed.temporary.state, robbed.secrets.slice(-1), [
      join(robbed.temporary.state, 'database.key'),
    ]),
    [],
  );
});

test('a backup, its list of contents and its log hold none either', async () => {
  const to = join(robbed.temporary.folder, 'backup');
  const made = await cloudCommand('backup', '--state', robbed.temporary.state, '--to', to);
  assert.is(made.code, 0, made.err);
  assert.ok(filesBelow(to).some((file) => basename(file) === 'manifest.json'));
  assert.equal(foundBelow(to, robbed.secrets), []);
  assert.equal(foundIn(Buffer.from(made.out + made.err), robbed.secrets), []);
});

test('a copy of the database opens with its key, and with no other', () => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-stolen-'));
  try {
    for (const file of robbed.databaseFiles()) copyFileSync(file, join(folder, basename(file)));
    const key = join(folder, 'database.key');
    copyFileSync(join(robbed.temporary.state, 'database.key'), key);
    const opened = openStateDatabase(folder);
    assert.ok(allRows(opened).size > 5);
    opened.close();
    writeFileSync(key, '0'.repeat(64));
    assert.throws(() => allRows(openStateDatabase(folder)), /not a database/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
