import { mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseBlockMap } from '../flash/block-map.ts';
import { blockBytes, inBlocks, type Range, usedByExt, usedByFat, writeBlockMap } from './block-map.ts';
import { digest, pack } from './finish.ts';
import { run } from './run.ts';

const test = suite('block map');
const block = (first: number, last: number): Range => ({
  from: first * blockBytes,
  to: (last + 1) * blockBytes,
});

test('what is written is what loadline flash reads', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'loadline-bmap-'));
  try {
    const path = join(folder, 'x.img');
    await writeFile(path, Buffer.alloc(3 * blockBytes, 7));
    await truncate(path, 10 * blockBytes - 100);
    const ranges = await digest(path, [block(0, 0), block(2, 3), block(9, 9)]);
    const map = parseBlockMap(writeBlockMap(10 * blockBytes - 100, ranges));
    assert.is(map.imageBytes, 10 * blockBytes - 100);
    assert.equal(
      map.ranges.map(({ from, sha256 }) => [from, sha256]),
      ranges.map(({ from, sha256 }) => [from, sha256]),
    );
    assert.is(map.ranges.length, 3);
    assert.is.not(map.ranges[0]?.sha256, map.ranges[1]?.sha256);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('ranges become whole blocks that do not touch, and cover every byte that was in them', async () => {
  const range = fc
    .tuple(fc.nat(200_000), fc.integer({ min: 1, max: 40_000 }))
    .map(([from, size]) => ({ from, to: from + size }));
  await fc.assert(
    fc.property(fc.array(range, { maxLength: 20 }), (ranges) => {
      const blocks = inBlocks(ranges);
      for (const [index, { from, to }] of blocks.entries()) {
        assert.is(from % blockBytes, 0);
        assert.is(to % blockBytes, 0);
        const before = blocks[index - 1];
        if (before !== undefined) assert.ok(before.to < from);
      }
      for (const { from, to } of ranges) {
        assert.ok(blocks.some((each) => each.from <= from && each.to >= to));
      }
    }),
  );
});

const bmaptool = await run('bmaptool', ['--version']).then(
  () => true,
  (error: Error) => error.message,
);
if (bmaptool !== true) console.log(`skipped: bmaptool takes it: ${bmaptool}`);
(bmaptool === true ? test : test.skip)(
  'bmaptool takes a packed image with its map, and refuses one with another',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'loadline-bmap-'));
    try {
      const at = (name: string) => join(folder, name);
      const [image, packed, map, card] = [at('x.img'), at('x.img.zst'), at('x.img.bmap'), at('card')];
      await writeFile(image, Buffer.alloc(3 * blockBytes, 7));
      await truncate(image, 64 * blockBytes);
      await pack(image, packed);
      await writeFile(map, writeBlockMap(64 * blockBytes, await digest(image, [block(0, 1), block(63, 63)])));
      await run('bmaptool', ['copy', packed, card]);
      const written = await readFile(card);
      assert.ok(written.subarray(0, 2 * blockBytes).equals(Buffer.alloc(2 * blockBytes, 7)));
      // Of what is not in its map it writes nothing.
      assert.ok(written.subarray(2 * blockBytes).equals(Buffer.alloc(62 * blockBytes)));
      const file = await open(image, 'r+');
      await file.write('x', blockBytes);
      await file.close();
      await pack(image, packed);
      await run('bmaptool', ['copy', packed, card]).then(
        () => assert.unreachable(),
        (error: Error) => assert.match(error.message, /checksum/),
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

const listing = (blocks: number, free: readonly string[]) =>
  [
    `Block count:              ${blocks}`,
    'Block size:               4096',
    '',
    ...free.map((each, group) => `Group ${group}: (Blocks 0-1)\n  Free blocks: ${each}\n  Free inodes: 5-9`),
    '',
  ].join('\n');

test('of an ext file system all is used that dumpe2fs does not call free', () => {
  assert.equal(usedByExt(listing(100, ['10-19, 30', '', '90-99']), 8192), [
    { from: 8192, to: 8192 + 10 * 4096 },
    { from: 8192 + 20 * 4096, to: 8192 + 30 * 4096 },
    { from: 8192 + 31 * 4096, to: 8192 + 90 * 4096 },
  ]);
  assert.equal(usedByExt(listing(3, ['']), 0), [{ from: 0, to: 3 * 4096 }]);
  assert.throws(() => usedByExt('dumpe2fs: Bad magic number', 0), /does not say/);
});

test('of a FAT32 all is used up to the last cluster that its table says something of', async () => {
  const image = Buffer.alloc(64 * 512);
  image.writeUInt16LE(512, 11);
  image.writeUInt8(2, 13);
  image.writeUInt16LE(4, 14);
  image.writeUInt8(2, 16);
  image.writeUInt32LE(64, 32);
  image.writeUInt32LE(1, 36);
  image.write('FAT32   ', 82, 'latin1');
  image.writeUInt16LE(0xaa55, 510);
  const read = async (from: number, bytes: number) => image.subarray(from, from + bytes);
  // Six sectors before the data, two to a cluster; the first cluster is number 2.
  assert.equal(await usedByFat(read, 1024), { from: 1024, to: 1024 + 6 * 512 });
  image.writeUInt32LE(0x0fffffff, 4 * 512 + 2 * 4);
  assert.equal(await usedByFat(read, 1024), { from: 1024, to: 1024 + 8 * 512 });
  image.writeUInt32LE(0x0fffffff, 4 * 512 + 9 * 4);
  assert.equal(await usedByFat(read, 0), { from: 0, to: (6 + 8 * 2) * 512 });
  await usedByFat(async () => Buffer.alloc(512), 0).then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /no FAT32/),
  );
});

test.run();
