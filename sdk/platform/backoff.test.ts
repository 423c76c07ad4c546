import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { backoffDelay, failuresAfter } from './backoff.ts';

const backoff = { base: 500, cap: 30_000 };

test('the bound doubles with every failure up to the cap, and stays there for ever', () => {
  const bounds = [1, 2, 3, 6, 7, 8, 5000].map((failures) => backoffDelay(backoff, failures, 1));
  assert.equal(bounds, [500, 1000, 2000, 16_000, 30_000, 30_000, 30_000]);
});

test('the wait is drawn from the whole of it', () => {
  assert.is(backoffDelay(backoff, 4, 0), 0);
  assert.is(backoffDelay(backoff, 4, 0.5), 2000);
});

test('a connection that stood long makes all failures before it forgotten', () => {
  assert.is(failuresAfter(50, { stood: 10_000, served: false }), 0);
});

test('a cloud restarted five times in a row is waited for by seconds, not by half a minute', () => {
  let failures = 0;
  for (let restart = 0; restart < 5; restart++) {
    // It is lost, refuses twice while it starts, and serves for two seconds.
    failures = failuresAfter(failures + 3, { stood: 2000, served: true });
  }
  assert.ok(backoffDelay(backoff, failures + 1, 1) <= 4000);
});

test('two gateways of one identity, who end each other, meet less and less often', () => {
  let failures = 0;
  for (let round = 0; round < 10; round++) {
    failures = failuresAfter(failures, { stood: 300, served: false }) + 1;
  }
  assert.is(backoffDelay(backoff, failures, 1), 30_000);
});

test.run();
