import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { haltReason, type RolloutHealth, usualHaltLimits } from './health.ts';

const counts = fc.record<RolloutHealth>({
  confirmed: fc.nat(2000),
  rolledBack: fc.nat(50),
  refused: fc.nat(50),
  overdue: fc.nat(50),
});
const limits = fc.record({
  count: fc.integer({ min: 1, max: 100 }),
  share: fc.integer({ min: 1, max: 100 }),
  minutes: fc.integer({ min: 5, max: 1440 }),
});
const ring = fc.constantFrom('canary' as const, 'percent' as const, 'all' as const);
const well: RolloutHealth = { confirmed: 0, rolledBack: 0, refused: 0, overdue: 0 };

test('nothing is halted on which nothing ended badly', () => {
  fc.assert(
    fc.property(fc.nat(5000), ring, limits, (confirmed, where, by) => {
      assert.is(haltReason({ ...well, confirmed }, where, by), undefined);
    }),
  );
});

test('it is halted exactly where count and share are both reached', () => {
  fc.assert(
    fc.property(counts, limits, (health, by) => {
      const bad = health.rolledBack + health.refused + health.overdue;
      const share = bad === 0 ? 0 : (100 * bad) / (bad + health.confirmed);
      assert.is(haltReason(health, 'all', by) !== undefined, bad >= by.count && share >= by.share);
    }),
  );
});

test('what was halted stays so with one more bad end, and is not halted for one more good one where it was not', () => {
  fc.assert(
    fc.property(counts, ring, limits, (health, where, by) => {
      const halted = haltReason(health, where, by) !== undefined;
      if (halted) assert.ok(haltReason({ ...health, overdue: health.overdue + 1 }, where, by));
      else assert.is(haltReason({ ...health, confirmed: health.confirmed + 1 }, where, by), undefined);
    }),
  );
});

test('one canary that went back is enough, and said in words', () => {
  assert.is(
    haltReason({ ...well, confirmed: 3, rolledBack: 1 }, 'canary', usualHaltLimits),
    'of 4 gateways 1 went back',
  );
  assert.is(haltReason({ ...well, rolledBack: 1 }, 'percent', usualHaltLimits), undefined);
  assert.is(
    haltReason({ confirmed: 20, rolledBack: 1, refused: 1, overdue: 1 }, 'all', usualHaltLimits),
    'of 23 gateways 1 went back, 1 refused it, 1 did not confirm it within 60 minutes',
  );
});

test.run();
