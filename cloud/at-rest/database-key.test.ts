import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '@loadline/sdk/platform';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fileOnly, heldKey, openingKey, takeKeySources } from './database-key.ts';
import { databaseFiles } from './files.ts';

const [one, other] = ['a5'.repeat(32), 'b6'.repeat(32)];

const test = suite<{ folder: string }>('where the key of the database is');

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'loadline-key-'));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

test('a first start makes one in the folder, for its owner alone, and the next start takes it', async ({
  folder,
}) => {
  const key = await openingKey(folder, fileOnly);
  assert.match(key, /^[0-9a-f]{64}$/);
  assert.is(statSync(databaseFiles(folder).key).mode & 0o777, 0o600);
  assert.is(await openingKey(folder, fileOnly), key);
});

test('a key of the environment is taken out of it, and no file is made', async ({ folder }) => {
  const environment: Record<string, string | undefined> = { LOADLINE_DATABASE_KEY: one, PATH: '/bin' };
  const sources = takeKeySources(environment);
  assert.equal(environment, { PATH: '/bin' });
  assert.is(await openingKey(folder, sources), one);
  assert.throws(() => statSync(databaseFiles(folder).key), /ENOENT/);
});

test('a systemd credential is the key, whatever line ending it has', async ({ folder }) => {
  writeFileSync(join(folder, 'loadline-database-key'), `${one.toUpperCase()}\n`);
  const sources = takeKeySources({ CREDENTIALS_DIRECTORY: folder });
  assert.is(await openingKey(folder, sources), one);
});

test('a folder of credentials without this one gives none', ({ folder }) => {
  assert.equal(takeKeySources({ CREDENTIALS_DIRECTORY: folder }), fileOnly);
});

test('two that differ open nothing, and neither is told', async ({ folder }) => {
  writeFileSync(databaseFiles(folder).key, other);
  const sources = { ...fileOnly, environment: new Secret(one) };
  await openingKey(folder, sources).then(
    () => assert.unreachable(),
    (error: Error) => {
      assert.match(error.message, /LOADLINE_DATABASE_KEY and .*database\.key hold different keys/);
      assert.not.match(error.message, /a5a5|b6b6/);
    },
  );
  writeFileSync(databaseFiles(folder).key, `${one}\n`);
  assert.is(await openingKey(folder, sources), one);
});

test('what is no key is refused without being told', async ({ folder }) => {
  for (const environment of ['', 'a5', `${one}a5`, 'hunter2'.repeat(10)]) {
    await openingKey(folder, { ...fileOnly, environment: new Secret(environment) }).then(
      () => assert.unreachable(),
      (error: Error) => {
        assert.match(error.message, /the variable LOADLINE_DATABASE_KEY holds no key/);
        assert.not.match(error.message, /a5a5|hunter2/);
      },
    );
  }
});

test('a database whose key is nowhere is not given a new one', async ({ folder }) => {
  writeFileSync(databaseFiles(folder).database, 'anything');
  await openingKey(folder, fileOnly).then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /opens with its key alone, and that is nowhere/),
  );
  assert.throws(() => heldKey(folder, fileOnly), /that is nowhere/);
  assert.throws(() => readFileSync(databaseFiles(folder).key), /ENOENT/);
});

test.run();
