// @long
// A card in a reader, as a loop device: compared byte for byte, and refused where it is in use.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { needs } from '../runner/debian.ts';
import { emptyFile, Loop, loopDevices } from './cards.ts';
import { bytesOf, makeImage, startFlash, testFolder } from './flashing.ts';

const test = suite('a card as a loop device');
const loops = loopDevices();
const bmaptool = loops === true ? await needs('bmaptool', 'bmap-tools') : loops;
if (bmaptool !== true) console.log(`skipped: flashing to a loop device: ${bmaptool}`);
const scenario = bmaptool === true ? test : test.skip;

const mebibyte = 1024 * 1024;
const folder = testFolder();
const image = join(folder, 'card.img');
const size = 40;
const loopsOpen: Loop[] = [];

if (bmaptool === true) {
  makeImage(image, size, [
    [1, 3],
    [17, 26],
  ]);
}
test.after(() => {
  for (const loop of loopsOpen) loop.detach();
});

function card(name: string, mebibytes: number): { loop: Loop; file: string } {
  const file = emptyFile(join(folder, name), mebibytes * mebibyte);
  const loop = new Loop(file);
  loopsOpen.push(loop);
  return { loop, file };
}

const flash = (loop: Loop, ...words: string[]) =>
  startFlash('--image', image, '--to', loop.path, '--yes-write', loop.name, ...words).ended;

scenario('with a block map: what the map has, byte for byte; the rest is left as it was', async () => {
  const { loop, file } = card('mapped', 64);
  const { code, last } = await flash(loop);
  assert.equal([code, last.result, last.says, last.readBack], [0, 'written', null, 'from-the-disk']);
  assert.ok(bytesOf(file, 0, size * mebibyte).equals(bytesOf(image, 0, size * mebibyte)), 'it is the image');
  assert.ok(
    bytesOf(file, size * mebibyte, 24 * mebibyte).every((byte) => byte === 0),
    'no mark is left',
  );
});

scenario('what was there before is gone where the map has something, and only there', async () => {
  const { loop, file } = card('used', 64);
  writeFileSync(file, Buffer.alloc(64 * mebibyte, 0xee));
  const { code } = await flash(loop);
  assert.is(code, 0);
  for (const [from, to] of [
    [1, 3],
    [17, 26],
  ] as const) {
    const length = (to - from) * mebibyte;
    assert.ok(bytesOf(file, from * mebibyte, length).equals(bytesOf(image, from * mebibyte, length)));
  }
  assert.is(bytesOf(file, 10 * mebibyte + 8192, 1)[0], 0xee);
});

scenario(
  'a card that is no multiple of 4096 bytes takes an image of just its size, and is emptied to its last sector',
  async () => {
    const from = join(folder, 'odd.img');
    makeImage(from, size, [[1, 3]]);
    rmSync(`${from}.bmap`);
    appendFileSync(from, Buffer.alloc(512, 0x5a));
    const { loop, file } = card('odd', size);
    loop.detach();
    appendFileSync(file, Buffer.alloc(512, 0xee));
    const odd = new Loop(file);
    loopsOpen.splice(loopsOpen.indexOf(loop), 1, odd);
    const whole = ['--image', from, '--to', odd.path, '--yes-write', odd.name];
    const { code, last } = await startFlash(...whole).ended;
    assert.equal([code, last.result, last.says], [0, 'written', null]);
    assert.ok(readFileSync(file).equals(readFileSync(from)));
    // A smaller image leaves nothing of a second partition table, which is in the last sector.
    const smaller = join(folder, 'smaller.img');
    makeImage(smaller, 8, [[1, 3]]);
    const again = await startFlash('--image', smaller, '--to', odd.path, '--yes-write', odd.name).ended;
    assert.is(again.code, 0);
    assert.ok(bytesOf(file, size * mebibyte, 512).every((byte) => byte === 0));
  },
);

scenario('a card that is too small is refused, and not touched', async () => {
  const { loop, file } = card('small', 39);
  const { code, last } = await flash(loop);
  assert.equal([code, last.result], [3, 'disk-refused']);
  assert.match(last.says ?? '', 'and the image');
  assert.ok(bytesOf(file, 0, mebibyte).every((byte) => byte === 0));
});

scenario('a card that is mounted is refused, and so is one that is read-only', async () => {
  const { loop, file } = card('mounted', 64);
  execFileSync('mkfs.ext4', ['-q', file]);
  const before = bytesOf(file, 0, mebibyte);
  const place = join(folder, 'mnt');
  mkdirSync(place);
  execFileSync('mount', ['-o', 'ro', loop.path, place]);
  try {
    const { code, last } = await flash(loop);
    assert.equal([code, last.result], [3, 'disk-refused']);
    assert.match(last.says ?? '', `mounted at ${place}`);
  } finally {
    execFileSync('umount', [place]);
  }
  assert.ok(bytesOf(file, 0, mebibyte).equals(before));
  execFileSync('blockdev', ['--setro', loop.path]);
  const { code, last } = await flash(loop);
  assert.is(code, 3);
  assert.match(last.says ?? '', 'read-only');
});

scenario('another name than the disk has is no yes', async () => {
  const { loop, file } = card('unsaid', 64);
  const { code } = await startFlash('--image', image, '--to', loop.path, '--yes-write', 'sdz').ended;
  assert.is(code, 2);
  const nobody = await startFlash('--image', image, '--to', loop.path).ended;
  assert.is(nobody.code, 2);
  assert.ok(bytesOf(file, 0, mebibyte).every((byte) => byte === 0));
});

scenario('the disk of the running system is refused', async () => {
  const { major, minor } = majorMinor(statSync('/').dev);
  const name = readlinkSync(`/sys/dev/block/${major}:${minor}`).split('/').at(-1);
  const path = `/dev/${name}`;
  const { code, last } = await startFlash('--image', image, '--to', path, '--yes-write', name ?? '').ended;
  assert.equal([code, last.result], [3, 'disk-refused']);
});

function majorMinor(device: number): { major: number; minor: number } {
  return { major: (device >>> 8) & 0xfff, minor: (device & 0xff) | ((device >>> 12) & 0xfff00) };
}

test.run();
