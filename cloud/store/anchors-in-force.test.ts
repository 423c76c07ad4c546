import type { Entry } from '@loadline/sdk/telemetry';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Committer } from './commit.ts';
import { delivery, epoch, numbered, withDatabase } from './test-store.ts';
import type { Timeline } from './timeline.ts';

/** Two openings of a journal within one boot: their anchors are each other's. */
const epochs = [epoch, 'e1'.repeat(16)];

const steps = fc.array(
  fc.record({
    opening: fc.nat(1),
    at: fc.nat(60),
    length: fc.nat(20),
    anchored: fc.boolean(),
  }),
  { minLength: 1, maxLength: 30 },
);

test('the times of a delivery are by the anchors its boot has at its commit, whatever was looked up before', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      await withDatabase((connection) => {
        const committer = new Committer(connection, () => 1_790_000_100_000);
        const anchors = new Map<number, number>();
        const next = [0, 0];
        for (const [step, { opening, at, length, anchored }] of list.entries()) {
          const first = next[opening] as number;
          const monotonic = at * 10;
          const entries: Entry[] = numbered(0, length).map((entry) => ({
            ...entry,
            monotonic: entry.monotonic + monotonic,
          }));
          if (anchored) {
            const wall = 1_790_000_000_000 + monotonic + step;
            entries.unshift({ kind: 'anchor', monotonic, wall, uncertainty: 1 });
            if (!anchors.has(monotonic)) anchors.set(monotonic, wall);
          }
          next[opening] = first + entries.length;
          const [outcome] = committer.commit([
            delivery(first, entries, { epoch: epochs[opening] as string }),
          ]);
          assert.is(outcome?.kind, 'delivery');
          if (outcome?.kind === 'delivery') {
            assert.equal(outcome.timeline, expected(anchors, monotonic, monotonic + length * 10));
          }
        }
      });
    }),
    { numRuns: 20 },
  );
});

/** The anchor in force at `from`, else the first, and those after it until `to`. */
function expected(anchors: ReadonlyMap<number, number>, from: number, to: number): Timeline | undefined {
  const all = [...anchors].map(([monotonic, wall]) => ({ monotonic, wall }));
  all.sort((a, b) => a.monotonic - b.monotonic);
  const start = all.findLast(({ monotonic }) => monotonic <= from) ?? all[0];
  if (start === undefined) return undefined;
  return [start, ...all.filter(({ monotonic }) => monotonic > start.monotonic && monotonic <= to)];
}

test.run();
