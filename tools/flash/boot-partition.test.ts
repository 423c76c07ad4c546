// Where the boot partition is, by tables as sfdisk makes them, and by what no sfdisk makes.
import { spawnSync } from 'node:child_process';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bootPartition, driveOn, placeSite } from './boot-partition.ts';
import { FlashFailure } from './outcome.ts';
import { testFolder } from './test-parts.ts';

const test = suite('the boot partition');
const folder = testFolder();
const mebibyte = 1024 * 1024;
const hasSfdisk = spawnSync('sfdisk', ['--version']).error === undefined;
if (!hasSfdisk) console.log('skipped: tables as sfdisk makes them: it is not installed');
const withSfdisk = hasSfdisk ? test : test.skip;

function table(script: string): Buffer {
  const file = join(folder, 'disk');
  writeFileSync(file, '');
  truncateSync(file, 64 * mebibyte);
  const { status, stderr } = spawnSync('sfdisk', ['--quiet', file], { input: script, encoding: 'utf8' });
  assert.is(status, 0, stderr);
  return readFileSync(file).subarray(0, mebibyte);
}

withSfdisk('of an MBR: the first FAT partition, not the first one', () => {
  assert.is(bootPartition(table('label: dos\nstart=8192,size=16384,type=c\ntype=83\n')), 4 * mebibyte);
  assert.is(
    bootPartition(table('label: dos\nstart=2048,size=16384,type=83\nstart=18432,type=c\n')),
    9 * mebibyte,
  );
});

withSfdisk('of a GPT: the EFI system partition', () => {
  const linux = '0FC63DAF-8483-4772-8E79-3D69D8477DE4';
  assert.is(
    bootPartition(table(`label: gpt\nsize=4M,type=${linux}\nsize=8M,type=U\ntype=${linux}\n`)),
    5 * mebibyte,
  );
  assert.is(bootPartition(table(`label: gpt\ntype=${linux}\n`)), undefined);
});

withSfdisk('none where there is none', () => {
  assert.is(bootPartition(table('label: dos\nstart=2048,type=83\n')), undefined);
  assert.is(bootPartition(Buffer.alloc(mebibyte)), undefined);
});

withSfdisk('a table of entries that is anywhere, or endless, leads nowhere', () => {
  const gpt = table('label: gpt\nsize=8M,type=U\n');
  for (const [offset, value] of [
    [72, 0xffffffffffffffffn],
    [72, 0x7fffffffn],
    [80, 0xffffffffffffffffn],
    [84, 0n],
  ] as const) {
    const hostile = Buffer.from(gpt);
    hostile.writeBigUInt64LE(value, 512 + offset);
    assert.is(bootPartition(hostile), undefined);
  }
});

withSfdisk('mtools are told of it by a path that they can read, or somebody is told why not', () => {
  const head = table('label: dos\nstart=8192,size=16384,type=c\n');
  assert.is(driveOn('/tmp/my card.img', head), '/tmp/my card.img@@4194304');
  assert.throws(() => driveOn('/tmp/a@@b.img', head), /take the @@ in .* for the end of its name/);
  assert.throws(() => driveOn('/tmp/card.img', Buffer.alloc(mebibyte)), /has no FAT partition/);
});

test('where mtools fail the disk itself is looked at, which may be gone', async () => {
  const drive = `${join(folder, 'no-such-disk')}@@${4 * mebibyte}`;
  const said = async (look: () => Promise<void>) =>
    await placeSite(drive, 'x', { flush: async () => {}, look }).catch((error: unknown) => error);
  const unplugged = new FlashFailure('unplugged', 'sdb was unplugged', 'put it in again');
  assert.is(await said(() => Promise.reject(unplugged)), unplugged);
  assert.is(((await said(async () => {})) as FlashFailure).outcome, 'site-refused');
});

test.run();
