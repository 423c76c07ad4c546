import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FolderInUse, lockFolder } from './lock.ts';

const test = suite('one process a folder');

let folder = '';

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'loadline-lock-'));
});

test.after.each(() => rmSync(folder, { recursive: true, force: true }));

async function refusal(): Promise<Error> {
  try {
    await lockFolder(folder);
  } catch (error) {
    return error as Error;
  }
  throw new Error('the folder was given twice');
}

test('a folder that a living process has is refused, and the process named', async () => {
  const release = await lockFolder(folder);
  const error = await refusal();
  assert.instance(error, FolderInUse);
  assert.match(error.message, new RegExp(`in use by process ${process.pid}: stop`));
  await release();
  await (await lockFolder(folder))();
  assert.equal(readdirSync(folder), []);
});

test('a lock of a process that is no more is taken over: another boot, another start, a torn file', async () => {
  const release = await lockFolder(folder);
  const own = JSON.parse(readFileSync(join(folder, 'lock'), 'utf8'));
  await release();
  for (const stale of [
    JSON.stringify({ ...own, boot: 'another' }),
    JSON.stringify({ ...own, started: '1' }),
    JSON.stringify({ ...own, pid: 2 ** 22 + 1 }),
    '{"pid":',
    '',
  ]) {
    writeFileSync(join(folder, 'lock'), stale);
    await (await lockFolder(folder))();
  }
});

test('of many that take over one stale lock at once, one gets it', async () => {
  for (let round = 0; round < 60; round++) {
    writeFileSync(join(folder, 'lock'), 'stale');
    const tries = await Promise.allSettled(Array.from({ length: 6 }, () => lockFolder(folder)));
    const got = tries.filter((each) => each.status === 'fulfilled');
    assert.is(got.length, 1);
    await got[0]?.value();
  }
});

test('where no lock can be made, as on a full disk, one that is there still counts', async () => {
  const release = await lockFolder(folder);
  const own = readFileSync(join(folder, 'lock'), 'utf8');
  await release();
  // So deep that there is room for the lock's name, and not for that of one in the making.
  let deep = folder;
  while (deep.length < 4080) deep = join(deep, 'x'.repeat(Math.min(200, 4080 - deep.length)));
  mkdirSync(deep, { recursive: true });
  const refusedAs = () => lockFolder(deep).catch((error: NodeJS.ErrnoException) => error.code ?? error.name);
  assert.is(await refusedAs(), 'ENAMETOOLONG');
  writeFileSync(join(deep, 'lock'), own);
  assert.is(await refusedAs(), 'FolderInUse');
});

test.run();
