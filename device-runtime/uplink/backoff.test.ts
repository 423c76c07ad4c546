import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { backoffDelay } from './backoff.ts';

const backoff = { base: 500, cap: 30_000 };

test('the bound doubles with every failure up to the cap, and stays there for ever', () => {
  const bounds = [1, 2, 3, 6, 7, 8, 5000].map((failures) => backoffDelay(backoff, failures, 1));
  assert.equal(bounds, [500, 1000, 2000, 16_000, 30_000, 30_000, 30_000]);
});

test('the wait is drawn from the whole of it', () => {
  assert.is(backoffDelay(backoff, 4, 0), 0);
  assert.is(backoffDelay(backoff, 4, 0.5), 2000);
});

test.run();
