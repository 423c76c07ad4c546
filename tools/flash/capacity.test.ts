// Every true size that is a multiple of the unit is found, whatever the disk says, by few marks.
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { marksOn, tryCapacity } from './capacity.ts';
import type { Target } from './target.ts';

const test = suite('capacity');
const mebibyte = 1024 * 1024;

/** A disk in memory: an address leads to a place, or to none. */
function disk(
  bytes: number,
  placeOf: (address: number) => number | undefined,
): Target & { readonly bytes: number } {
  const blocks = new Map<number, Buffer>();
  return {
    name: 'sdx',
    bytes,
    readBack: 'from-the-disk',
    write: async (offset, block) => {
      const place = placeOf(offset);
      if (place !== undefined) blocks.set(place, Buffer.from(block));
    },
    sync: async () => {},
    read: async (offset, buffer) => {
      const place = placeOf(offset);
      const block = place === undefined ? undefined : blocks.get(place);
      buffer.fill(0);
      return block?.copy(buffer) ?? buffer.length;
    },
    close: async () => {},
    lengthen: async () => {},
    abandon: async () => {},
  };
}

const run = (target: Target & { readonly bytes: number }) =>
  tryCapacity(target, Buffer.alloc(32, 7), { signal: new AbortController().signal, onMark: () => {} });
const sizes = fc.integer({ min: 16, max: 2_000_000 });

test('marks are few, lie on the disk, and reach its end', () =>
  fc.assert(
    fc.property(sizes, fc.integer({ min: 0, max: 255 }), (mebibytes, blocks) => {
      const bytes = mebibytes * mebibyte + blocks * 4096;
      const { offsets } = marksOn(bytes);
      assert.ok(offsets.length <= 610, `${offsets.length} marks`);
      assert.ok(offsets.every((at) => at >= mebibyte && at + 4096 <= bytes && at % 4096 === 0));
      assert.is(offsets.at(-1), bytes - 4096);
    }),
  ));

test('a disk that wraps is found, and how far', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 64, max: 300_000 }),
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      async (all, part) => {
        const bytes = all * mebibyte;
        const { unit } = marksOn(bytes);
        const real =
          Math.max(1, Math.min(Math.floor((all * mebibyte * part) / unit), Math.floor(bytes / unit) - 2)) *
          unit;
        const found = await run(disk(bytes, (address) => address % real));
        assert.is(found.kind, 'wraps');
        assert.is(found.kind === 'wraps' && found.trueBytes % real, 0);
      },
    ),
    { numRuns: 100 },
  );
});

test('a disk that drops what is past its end is found, wherever that is', async () => {
  await fc.assert(
    fc.asyncProperty(sizes, fc.double({ min: 0, max: 0.999, noNaN: true }), async (all, part) => {
      const bytes = all * mebibyte;
      const real = Math.floor(bytes * part);
      const found = await run(disk(bytes, (address) => (address < real ? address : undefined)));
      assert.is(found.kind, 'drops');
      assert.ok(found.kind === 'drops' && found.trueBytes >= real);
    }),
    { numRuns: 100 },
  );
});

test('what an earlier run has left is not taken for its own', async () => {
  const target = disk(256 * mebibyte, (address) => (address < 100 * mebibyte ? address : undefined));
  const stale = await tryCapacity(
    disk(256 * mebibyte, (address) => address),
    Buffer.alloc(32, 1),
    {
      signal: new AbortController().signal,
      onMark: () => {},
    },
  );
  assert.is(stale.kind, 'as-it-says');
  assert.is((await run(target)).kind, 'drops');
});

test('an honest disk is as it says', async () => {
  assert.is((await run(disk(64e9, (address) => address))).kind, 'as-it-says');
});

test.run();
