import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Downsampler, type Sample } from './downsample.ts';

const samples = fc.array(
  fc.record({
    time: fc.integer({ min: 1000, max: 9999 }),
    value: fc.oneof({ weight: 20, arbitrary: fc.integer({ min: -500, max: 500 }) }, fc.constant(null)),
  }),
  { minLength: 1, maxLength: 400 },
);

function place(list: { time: number; value: number | null }[]): Sample[] {
  return list.map((one, index) => ({ ...one, epoch: 'e', number: index + 1 }));
}

test('the least and the greatest value, the first and the last reading always survive', () => {
  fc.assert(
    fc.property(samples, fc.integer({ min: 8, max: 60 }), (list, points) => {
      const placed = place(list);
      const sampler = new Downsampler(1000, 9999, points);
      for (const sample of placed) sampler.add(sample);
      const result = sampler.result();
      const numbers = (of: Sample[]) => of.flatMap(({ value }) => (value === null ? [] : [value]));
      if (numbers(placed).length > 0) {
        assert.is(Math.min(...numbers(result)), Math.min(...numbers(placed)));
        assert.is(Math.max(...numbers(result)), Math.max(...numbers(placed)));
      }
      const inOrder = [...placed].sort((a, b) => a.time - b.time || a.number - b.number);
      assert.equal(result[0], inOrder[0]);
      assert.equal(result.at(-1), inOrder.at(-1));
      assert.equal(
        result,
        [...result].sort((a, b) => a.time - b.time || a.number - b.number),
      );
      assert.ok(result.length <= Math.max(points, Math.floor(points / 4) * 5));
      assert.is(sampler.count, placed.length);
    }),
  );
});

test('what fits is returned whole, two readings of one time included', () => {
  const placed = place([
    { time: 2000, value: 1 },
    { time: 2000, value: 2 },
    { time: 1500, value: 3 },
  ]);
  const sampler = new Downsampler(1000, 9999, 8);
  for (const sample of placed) sampler.add(sample);
  assert.equal(
    sampler.result().map(({ value }) => value),
    [3, 1, 2],
  );
});

test.run();
