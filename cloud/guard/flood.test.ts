// @long
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { capacity } from './limits.ts';
import { account, address, guardParts, tries } from './test-parts.ts';

test('a million random names from a million addresses take a fixed number of entries', () => {
  const { guard, clock, kept } = guardParts();
  let highest = 0;
  for (let n = 0; n < 1_000_000; n++) {
    tries(guard, 'failed', account(`name ${n}`), address(n * 17));
    if (n % 1000 === 0) {
      clock.now += 1;
      highest = Math.max(highest, guard.size);
    }
  }
  const { quiet, kept: held, shared } = capacity;
  // Names, addresses and pairs fill a table each; the other four stay empty.
  assert.ok(highest > quiet, 'the tables did fill');
  assert.ok(highest <= 3 * (quiet + held + shared), `${highest}`);
  assert.ok(kept.size <= 3 * held, `${kept.size}`);
});

test.run();
