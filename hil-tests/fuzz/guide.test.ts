// What stands behind one condition after the other is found by the guide, step by step, and not without it.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SeededRandom } from '../rig/random.ts';
import { guide } from './guide.ts';

const seed = Number(process.env.LOADLINE_SEED ?? 1);

/** A reader that fails on four bytes alone: inputs are spoilt by two bits, and so one that is spoilt once is never there. */
function read(bytes: Uint8Array): void {
  if (bytes[0] !== 0x01) return;
  if (bytes[1] !== 0x02) return;
  if (bytes[2] !== 0x04) return;
  if (bytes[3] !== 0x08) return;
  throw new Error('found');
}

function searched(covers: (url: string) => boolean) {
  const failures: Error[] = [];
  const found = guide<Uint8Array>(
    {
      seeds: [Uint8Array.of(0, 0, 0, 0)],
      spoil: (random, input) => {
        const turned = (bytes: Uint8Array) => {
          const at = random.integer(0, 3);
          return bytes.with(at, (bytes[at] as number) ^ (1 << random.integer(0, 7)));
        };
        return random.integer(0, 1) === 0 ? turned(input) : turned(turned(input));
      },
      play: read,
      bytesOf: ({ length }) => length,
    },
    {
      ...{ bytes: 100_000, random: new SeededRandom(seed), covers, say: () => {} },
      onFault: (_, error) => failures.push(error),
    },
  );
  return { failures, found };
}

test('with it, inputs that come one step further are kept, and the last step is found', () => {
  const { failures, found } = searched((url) => url === import.meta.url);
  assert.is(failures[0]?.message, 'found', JSON.stringify({ ...found, seed }));
  assert.ok(found.corpus.length > 2 && found.blocks.all > found.blocks.first);
});

test('without it, it is not', () => {
  const { failures, found } = searched(() => false);
  assert.equal([failures.length, found.corpus.length], [0, 1]);
});

test.run();
