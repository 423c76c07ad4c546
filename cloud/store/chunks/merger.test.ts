import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Merger } from './merger.ts';
import type { MergeWrite } from './writes.ts';

test('what of one device cannot be read is counted, and keeps no other from being merged', async () => {
  const merged: number[] = [];
  const merger = new Merger({
    tails: async () => [1, 2, 3].map((device) => ({ device, deliveries: 1, entries: 1, oldest: 0 })),
    slice: async (device): Promise<MergeWrite | undefined> => {
      if (device === 2) throw new Error('damaged');
      if (merged.includes(device)) return undefined;
      return { kind: 'merge', device, deliveries: [], replaced: [], added: [] };
    },
    apply: async ({ device }) => {
      merged.push(device);
      return { kind: 'aside', outcome: { kind: 'done', changed: 1 }, milliseconds: 1 };
    },
    now: () => 0,
  });
  await merger.all();
  await merger.close();
  assert.equal(merged, [1, 3]);
  assert.equal(merger.merging, { backlog: 1, failures: 1, lastFailure: 'device 2: damaged' });
});

test.run();
