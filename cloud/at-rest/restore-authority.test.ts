// @long
// The authority is in no backup of the database: what a restore asks of the copy of the keys that it is given.
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makePrivateFolder } from '@loadline/sdk/platform';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { authorityFolder, openAuthority, replaceIssuer } from '../authority/index.ts';
import { openKeys } from '../keys/index.ts';
import { Store } from '../store/index.ts';
import { copyKeys, makeBackup } from './backup.ts';
import { databaseFiles } from './files.ts';
import { restoreBackup } from './restore.ts';

const test = suite<{ folder: string }>('a restore and the authority');

const key = 'a5'.repeat(32);
const now = Date.now;
const told = () => {};

const keysOf = (state: string, isNew = false) => openKeys(state, { now, isNew, longestTokenMilliseconds: 1 });

async function opened(state: string) {
  const keys = await keysOf(state);
  return await openAuthority({ folder: authorityFolder(state), keys, now, log: () => undefined });
}

test.before((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'loadline-restore-authority-'));
});
test.after(({ folder }) => rmSync(folder, { recursive: true }));

test('takes keys that are newer than the backup, and none that lack what has issued since', async ({
  folder,
}) => {
  const at = (name: string) => join(folder, name);
  const state = at('state');
  const backUp = async (name: string) => {
    await copyKeys(state, at(`${name}.keys`), at(name));
    const { needs } = await makeBackup({ state, to: at(name), key, copyKey: undefined, now, told });
    return needs;
  };
  const restore = (name: string, keys: string, to: string) =>
    restoreBackup({ from: at(name), keys: at(`${keys}.keys`), key, state: at(to), keepKey: true, told });

  await makePrivateFolder(state);
  const store = await Store.open({ file: databaseFiles(state).database, key }, assert.unreachable);
  await store.close();
  await keysOf(state, true);
  const first = (await opened(state)).standing();
  const needed = await backUp('monday');
  assert.equal(needed.authorities, [first.root.fingerprint, first.issuer.fingerprint]);
  await replaceIssuer({ folder: authorityFolder(state), keys: await keysOf(state), now });
  const second = (await opened(state)).standing();
  await backUp('tuesday');

  await restore('tuesday', 'monday', 'refused').then(
    () => assert.unreachable('it was restored'),
    (error: Error) =>
      assert.match(error.message, /lacks what has issued certificates since.*newest copy of the keys/),
  );
  for (const [backup, to] of [
    ['monday', 'restored-monday'],
    ['tuesday', 'restored-tuesday'],
  ] as const) {
    await restore(backup, 'tuesday', to);
    const authority = await opened(at(to));
    assert.equal(authority.standing(), second);
    await authority.issueServer({ names: [] });
  }
});

test('takes the keys of no other fleet', async ({ folder }) => {
  const stranger = join(folder, 'stranger');
  await makePrivateFolder(stranger);
  await keysOf(stranger, true);
  await opened(stranger);
  await copyKeys(stranger, join(folder, 'stranger.keys'), join(folder, 'nothing'));
  copyFileSync(join(folder, 'monday.keys', 'keys.json'), join(folder, 'stranger.keys', 'keys.json'));
  const options = { from: join(folder, 'monday'), keys: join(folder, 'stranger.keys'), key };
  await restoreBackup({ ...options, state: join(folder, 'never'), keepKey: true, told }).then(
    () => assert.unreachable('it was restored'),
    (error: Error) => assert.match(error.message, /authority\.pem is the authority of another fleet/),
  );
});

test.run();
