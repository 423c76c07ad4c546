// @long
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Store, step } from '../store/index.ts';
import { fileOnly, findKey, openingKey } from './database-key.ts';
import { databaseFiles } from './files.ts';
import { finishRekey, rekey } from './rekey.ts';

const [old, next] = ['a5'.repeat(32), 'b6'.repeat(32)];

/** A state folder whose database has one organisation, for as long as `use` runs. */
async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-rekey-'));
  try {
    const { database: file, key } = databaseFiles(folder);
    writeFileSync(key, `${old}\n`, { mode: 0o600 });
    const store = await Store.open({ file, key: old }, assert.unreachable);
    await store.change({
      steps: [step('createOrganisation', { id: 'first', name: 'First', created: 1 })],
      audit: [],
    });
    await store.close();
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function isThere(folder: string, key: string): Promise<boolean> {
  const store = await Store.open({ file: databaseFiles(folder).database, key }, assert.unreachable);
  try {
    return (await store.read('organisation', { id: 'first' }))?.name === 'First';
  } finally {
    await store.close();
  }
}

test('a database opens with its new key, and with the old one no more', () =>
  withFolder(async (folder) => {
    const steps: number[] = [];
    await rekey(folder, { old, next, where: 'file' }, (step) => steps.push(step));
    assert.equal(steps, [1, 2, 3, 4, 5, 6]);
    assert.is(readFileSync(databaseFiles(folder).key, 'utf8').trim(), next);
    assert.is(await isThere(folder, next), true);
    await isThere(folder, old).then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, /does not open with this key/),
    );
    assert.is(await finishRekey(folder), 'nothing');
  }));

for (const kill of [1, 2, 3, 4, 5, 6] as const) {
  test(`killed before step ${kill}, the folder opens with one of the two keys, and says with which`, () =>
    withFolder(async (folder) => {
      const child = fileURLToPath(new URL('./rekey-child.ts', import.meta.url));
      const { signal } = spawnSync(
        process.execPath,
        [...process.execArgv, child, folder, old, next, String(kill)],
        { stdio: ['ignore', 'ignore', 'inherit'] },
      );
      assert.is(signal, 'SIGKILL');
      const wanted = kill <= 4 ? old : next;
      // Who only looks sees the right key and leaves everything as it is.
      assert.is(findKey(folder, fileOnly)?.key, wanted);
      assert.is(findKey(folder, fileOnly)?.key, wanted);
      const drafts = ['rekey.db', 'database.key.next'].some((name) => existsSync(join(folder, name)));
      const recovered = await finishRekey(folder);
      assert.is(recovered, kill === 5 ? 'new-key' : drafts ? 'old-key' : 'nothing');
      assert.is(await openingKey(folder, fileOnly), wanted);
      assert.is(await isThere(folder, wanted), true);
      for (const name of ['rekey.db', 'database.key.next'])
        assert.not.ok(existsSync(join(folder, name)), name);
    }));
}

test.run();
