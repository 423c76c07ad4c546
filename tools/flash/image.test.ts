// @long
// Images to a file: packed in every way, whole and damaged; compared byte for byte.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findImage } from './image.ts';
import { FlashFailure } from './outcome.ts';
import { openFile } from './target.ts';
import { blockMapOf, flash, imageBytes, testFolder } from './test-parts.ts';
import { type Place, writeImage } from './write.ts';

const test = suite('images');
const folder = testFolder();
const image = imageBytes(7, [
  [1, 2],
  [3, 6],
]);
const map = blockMapOf(image);
const hasXz = spawnSync('xz', ['--version']).error === undefined;
if (!hasXz) console.log('skipped: .img.xz: xz is not installed');

let count = 0;
/** Puts an image, and its map where there is one, into a folder of its own name. */
function laid(ending: string, bytes: Buffer, blockMap?: string): { from: string; to: string } {
  const name = `image-${++count}`;
  const from = join(folder, `${name}${ending}`);
  writeFileSync(from, bytes);
  if (blockMap !== undefined) writeFileSync(join(folder, `${name}.bmap`), blockMap);
  return { from, to: join(folder, `${name}.out`) };
}

/** What the command does, within this process. */
async function write(from: string, to: string, place?: Place): Promise<number> {
  const image = await findImage(from);
  const target = await openFile(to);
  try {
    const { signal } = new AbortController();
    const [report, monotonic] = [() => {}, () => performance.now()];
    return await writeImage({ image, target, signal, report, monotonic, ...(place && { place }) });
  } finally {
    await target.close();
  }
}

/** Why it was refused. */
async function refusal(from: string, to: string): Promise<string> {
  try {
    await write(from, to);
  } catch (error) {
    assert.instance(error, FlashFailure, (error as Error).stack);
    assert.is((error as FlashFailure).outcome, 'image-refused');
    return (error as Error).message;
  }
  return 'it was written';
}

const packings: readonly (readonly [string, () => Buffer])[] = [
  ['.img', () => image],
  ['.img.gz', () => gzipSync(image)],
  ['.img.zst', () => zstdCompressSync(image)],
  // Two frames, one after the other: as pzstd makes them.
  [
    '.img.zst',
    () => Buffer.concat([zstdCompressSync(image.subarray(0, 4e6)), zstdCompressSync(image.subarray(4e6))]),
  ],
  ...(hasXz
    ? [['.img.xz', () => spawnSync('xz', ['-0', '-c'], { input: image, maxBuffer: 1e8 }).stdout] as const]
    : []),
];

for (const [ending, pack] of packings) {
  for (const blockMap of [undefined, map]) {
    test(`${ending} ${blockMap === undefined ? 'without' : 'with'} a block map is written byte for byte`, async () => {
      const { from, to } = laid(ending, pack(), blockMap);
      const bytes = await write(from, to);
      assert.ok(readFileSync(to).equals(image), 'it is not the image');
      assert.is(bytes, blockMap === undefined ? image.length : 4 * (1 << 20) + 4096);
    });
  }
}

const cut = (bytes: Buffer) => bytes.subarray(0, Math.floor(bytes.length * 0.8));
const spoilt = (bytes: Buffer, at = Math.floor(bytes.length / 2)) => {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ 0x55;
  return changed;
};
/** What is packed with a checksum: zstd leaves it out unless asked. */
const hostile: readonly (readonly [string, string, Buffer, string | undefined, string])[] = [
  ['an empty file', '.img', Buffer.alloc(0), undefined, 'is empty'],
  ['a zip archive', '.img', Buffer.from('PK\x03\x04 something'), undefined, 'zip archive'],
  ['a text', '.img', Buffer.alloc(2e6, 'no image '), undefined, 'does not begin with a partition table'],
  [
    'a packed text',
    '.img.zst',
    zstdCompressSync(Buffer.alloc(2e6, 'no image ')),
    undefined,
    'partition table',
  ],
  ['a zstd that was cut off', '.img.zst', cut(zstdCompressSync(image)), undefined, 'cannot be unpacked'],
  ['a gzip that was cut off', '.img.gz', cut(gzipSync(image)), undefined, 'cannot be unpacked'],
  ['a gzip with another byte', '.img.gz', spoilt(gzipSync(image)), undefined, 'cannot be unpacked'],
  [
    'a zstd that was cut off, with its map',
    '.img.zst',
    cut(zstdCompressSync(image)),
    map,
    'cannot be unpacked',
  ],
  ['an image with another byte', '.img', spoilt(image, 4 << 20), map, 'are not those of its block map'],
  [
    'an image with another byte, packed',
    '.img.zst',
    zstdCompressSync(spoilt(image, 4 << 20)),
    map,
    'block map',
  ],
  ['an image shorter than its map', '.img.gz', gzipSync(image.subarray(0, 5 << 20)), map, 'was cut off'],
  ['an image longer than its map', '.img.gz', gzipSync(Buffer.concat([image, image])), map, 'has more than'],
  ['an unpacked one of another size', '.img', image.subarray(0, 5 << 20), map, 'is of an image of'],
  [
    'a map of another image',
    '.img.zst',
    zstdCompressSync(image),
    blockMapOf(imageBytes(7, [[1, 2]])),
    'block map',
  ],
  ['a map that is none', '.img.zst', zstdCompressSync(image), '<bmap/>', 'the block map'],
];
if (hasXz) {
  const { stdout } = spawnSync('xz', ['-0', '-c'], { input: image, maxBuffer: 1e8 });
  test('xz that was cut off is refused by its own words', async () => {
    const { from, to } = laid('.img.xz', cut(stdout));
    assert.match(
      await refusal(from, to),
      /cannot be unpacked \(xz: .*(?:Unexpected end|File format|corrupt)/,
    );
  });
}
for (const [what, ending, bytes, blockMap, says] of hostile) {
  test(`${what} is refused, and what was written of it does not start`, async () => {
    const { from, to } = laid(ending, bytes, blockMap);
    assert.match(await refusal(from, to), says);
    // Not even opened, or without its partition table.
    const left = existsSync(to) ? readFileSync(to).subarray(0, 1 << 20) : Buffer.alloc(0);
    assert.ok(left.every((byte) => byte === 0));
  });
}

for (const blockMap of [undefined, map]) {
  const how = blockMap === undefined ? 'all of the image' : 'the blocks of a map';
  test(`a site that has no place in it is refused before anything is written (${how})`, async () => {
    const { from, to } = laid('.img', image, blockMap);
    const heads: Buffer[] = [];
    const check = (head: Buffer) => {
      heads.push(Buffer.from(head));
      throw new Error('no place');
    };
    const ended = await write(from, to, { check, put: async () => '' }).catch(
      (error: Error) => error.message,
    );
    assert.equal([ended, readFileSync(to).length, heads.length], ['no place', 0, 1]);
    assert.ok(heads[0]?.equals(image.subarray(0, 1 << 20)), 'the head is whole');
  });
}

test('the command says why, ends with its code, and leaves no file that is not whole', async () => {
  const { from, to } = laid('.img.zst', cut(zstdCompressSync(image)));
  const { code, result, events } = await flash('--image', from, '--to', to);
  assert.equal([code, result.result, existsSync(to)], [4, 'image-refused', false]);
  assert.ok(events.some((event) => event.event === 'note' && event.says.endsWith('is removed')));
});

test('a file that is there is written over only where its name was said', async () => {
  const { from, to } = laid('.img', image);
  writeFileSync(to, 'somebody needs this');
  const { code, result } = await flash('--image', from, '--to', to);
  assert.equal([code, readFileSync(to, 'utf8')], [2, 'somebody needs this']);
  assert.match(result.says ?? '', '--yes-write');
  const other = await flash('--image', from, '--to', to, '--yes-write', 'another');
  assert.equal([other.code, readFileSync(to, 'utf8')], [2, 'somebody needs this']);
  const right = await flash('--image', from, '--to', to, '--yes-write', to.split('/').at(-1) as string);
  assert.is(right.code, 0);
  assert.ok(readFileSync(to).equals(image));
});

test('no file is made where devices are, and what is neither disk nor file is refused', async () => {
  const { from } = laid('.img', image);
  for (const to of ['/dev/no-such-disk', '/dev/null', folder]) {
    const { code, result } = await flash(
      '--image',
      from,
      '--to',
      to,
      '--yes-write',
      to.split('/').at(-1) as string,
    );
    assert.equal([code, result.result], [3, 'disk-refused'], to);
  }
  assert.not.ok(existsSync('/dev/no-such-disk'));
});

test.run();
