// A disk is read past the page cache: what stands on it is told, also where the cache has something else.
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FlashFailure } from './outcome.ts';
import { alignedBuffer } from './pieces.ts';
import { openDisk, openFile } from './target.ts';
import { testFolder } from './test-parts.ts';

const test = suite('targets');
const folder = testFolder();
const mebibyte = 1024 * 1024;
const hasLoops =
  process.getuid?.() === 0 && statSync('/dev/loop-control', { throwIfNoEntry: false }) !== undefined;
if (!hasLoops) console.log('skipped: a disk is read past the cache: no loop devices for us here');

/** Reads as any program does. */
function usualRead(path: string, offset: number): number | undefined {
  const file = openSync(path, 'r');
  const buffer = Buffer.alloc(4096);
  readSync(file, buffer, 0, 4096, offset);
  closeSync(file);
  return buffer[0];
}

(hasLoops ? test : test.skip)('a disk is read past the cache', async () => {
  const file = join(folder, 'disk');
  writeFileSync(file, '');
  truncateSync(file, 4 * mebibyte);
  const path = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim();
  try {
    const target = await openDisk(path, 4 * mebibyte);
    const buffer = alignedBuffer(4096);
    try {
      await target.write(mebibyte, buffer.fill(1));
      await target.sync();
      assert.is(usualRead(path, mebibyte), 1);
      // Behind the device's back, as a bad card does it.
      const under = openSync(file, 'r+');
      writeSync(under, Buffer.alloc(4096, 2), 0, 4096, mebibyte);
      closeSync(under);
      assert.is(usualRead(path, mebibyte), 1, 'the cache answers: otherwise this shows nothing');
      await target.read(mebibyte, buffer.fill(0));
      assert.is(buffer[0], 2);
      const second = await openDisk(path, 4 * mebibyte).catch((error: unknown) => error);
      assert.instance(second, FlashFailure);
      assert.equal(
        [(second as FlashFailure).outcome, (second as Error).message],
        ['disk-refused', `${path} is in use: the kernel gives it to nobody else`],
      );
    } finally {
      await target.close();
    }
  } finally {
    execFileSync('losetup', ['--detach', path]);
  }
});

test('a file is as long as it was said to be, and what does not fill a block is written and read as it is', async () => {
  const path = join(folder, 'file');
  const target = await openFile(path);
  const buffer = alignedBuffer(8192);
  await target.write(0, buffer.fill(3).subarray(0, 5000));
  await target.sync();
  assert.is(await target.read(0, buffer.fill(0)), 5000);
  assert.equal([buffer[4999], buffer[5000]], [3, 0]);
  await target.lengthen(mebibyte);
  assert.is(statSync(path).size, mebibyte);
  await target.close();
  await target.abandon();
  assert.is(statSync(path, { throwIfNoEntry: false }), undefined);
});

test.run();
