import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mannWhitney, quantiles } from './compare.ts';

const steps = (from: number, count: number) => Array.from({ length: count }, (_, at) => from + at);

test('what is the same cannot be told apart, and what is apart can', () => {
  assert.equal(mannWhitney(steps(0, 100), steps(0, 100)), { z: 0, p: 1, share: 0.5 });
  const { z, p, share } = mannWhitney(steps(1000, 50), steps(0, 50));
  assert.ok(z > 8 && p < 0.001, `${z} ${p}`);
  assert.is(share, 1);
  assert.is(mannWhitney(steps(0, 50), steps(1000, 50)).share, 0);
});

test('a published example comes out as published', () => {
  // Six tortoises and six hares reach the goal as T H H H H H T T T T T H: the tortoise beats a hare in 11 of 36 pairs.
  const order = [...'THHHHHTTTTTH'];
  const at = (who: string) => order.flatMap((one, place) => (one === who ? [place] : []));
  assert.is(mannWhitney(at('H'), at('T')).share, Number((11 / 36).toFixed(4)));
  assert.is(mannWhitney(at('T'), at('H')).share, Number((25 / 36).toFixed(4)));
});

test('quantiles are those of the sorted values', () => {
  assert.equal(quantiles(steps(1, 100)), { count: 100, p10: 11, p50: 51, p90: 91, p99: 100 });
  assert.equal(quantiles([]), { count: 0, p10: 0, p50: 0, p90: 0, p99: 0 });
});

test.run();
