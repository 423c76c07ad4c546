import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Bucket } from './bucket.ts';

const arrivals = fc.array(
  fc.record({ after: fc.double({ min: 0, max: 3000, noNaN: true }), count: fc.integer({ min: 1, max: 50 }) }),
  { maxLength: 200 },
);

test('in any time, no more is admitted than the capacity, the rate, and one last item', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.1, max: 1000, noNaN: true }),
      fc.double({ min: 1, max: 500, noNaN: true }),
      arrivals,
      (rate, capacity, items) => {
        let now = 0;
        const bucket = new Bucket(rate, capacity, now);
        const admitted: { at: number; count: number }[] = [];
        for (const { after, count } of items) {
          now += after;
          if (bucket.wait(now) > 0) continue;
          bucket.take(count, now);
          admitted.push({ at: now, count });
        }
        for (let from = 0; from < admitted.length; from++) {
          let sum = 0;
          for (const { at, count } of admitted.slice(from)) {
            const begin = admitted[from]?.at ?? 0;
            assert.ok(
              sum < capacity + (rate * (at - begin)) / 1000 + 1e-6,
              'the last item may go over, and no other',
            );
            sum += count;
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('after the time it says, and not before, it admits again', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.1, max: 1000, noNaN: true }),
      fc.integer({ min: 1, max: 500 }),
      (rate, taken) => {
        const bucket = new Bucket(rate, 10, 0);
        bucket.take(10 + taken, 0);
        const wait = bucket.wait(0);
        assert.ok(wait > 0);
        assert.is(bucket.wait(wait), 0);
        const early = new Bucket(rate, 10, 0);
        early.take(10 + taken, 0);
        assert.ok(wait < 2 || early.wait(wait - 2) > 0);
      },
    ),
  );
});

test('it fills to its capacity and no further, and a clock that is set back takes nothing out', () => {
  const bucket = new Bucket(10, 20, 0);
  bucket.take(15, 0);
  assert.is(bucket.left(0), 5);
  assert.is(bucket.left(1000), 15);
  assert.is(bucket.left(500), 15);
  assert.is(bucket.left(1e9), 20);
});

test.run();
