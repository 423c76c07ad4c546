import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isExposed, makePrivateFolder, readIfThere, removeWhole, writeWhole } from './files.ts';

const folder = mkdtempSync(join(tmpdir(), 'loadline-files-'));

test.after(() => rmSync(folder, { recursive: true }));

test('replaces a file as a whole, over what a power cut left behind', async () => {
  const file = join(folder, 'kept');
  await writeFile(file, 'old');
  await writeFile(`${file}.new`, 'half of', { mode: 0o644 });
  await writeWhole(file, 'new', 0o600);
  assert.is(await readFile(file, 'utf8'), 'new');
  assert.is(await isExposed(file), false);
  assert.equal(await readdir(folder), ['kept']);
  await removeWhole(file);
  await removeWhole(file);
  assert.equal(await readdir(folder), []);
});

test('a folder that others could read becomes private', async () => {
  const inner = join(folder, 'a', 'b');
  await makePrivateFolder(inner);
  assert.is((await stat(inner)).mode & 0o777, 0o700);
});

test('a file that is not there has no content', async () => {
  assert.is(await readIfThere(join(folder, 'none')), undefined);
});

test.run();
