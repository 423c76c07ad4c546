import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Permit } from './index.ts';
import { account, address, dayMs, guardParts, hourMs, secondMs, tries } from './test-parts.ts';

const bob = account('bob@example.org');
const home = '2001:db8:1:2::7';

type Step =
  | { readonly does: 'attack'; readonly source: number; readonly subject: number; readonly times: number }
  | { readonly does: 'hang'; readonly source: number; readonly times: number }
  | { readonly does: 'wait'; readonly ms: number }
  | { readonly does: 'owner'; readonly typos: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      does: fc.constant('attack' as const),
      source: fc.nat(400),
      subject: fc.nat(3),
      times: fc.integer({ min: 1, max: 120 }),
    }),
    fc.record({
      does: fc.constant('hang' as const),
      source: fc.nat(400),
      times: fc.integer({ min: 1, max: 60 }),
    }),
    fc.record({ does: fc.constant('wait' as const), ms: fc.nat(2 * dayMs) }),
    fc.record({ does: fc.constant('owner' as const), typos: fc.nat(3) }),
  ),
  { minLength: 1, maxLength: 60 },
);

/** Where attackers sit: at home with the owner (0), behind his provider, and anywhere. */
function place(source: number): string {
  if (source === 0) return home;
  return source < 100 ? `2001:db8:1:${source.toString(16)}::1` : address(source);
}

test('the owner on a device he knows is let in, whatever others do from wherever, also from his own address', () => {
  let refusedOfAttackers = 0;
  fc.assert(
    fc.property(steps, fc.boolean(), (list, roomy) => {
      const { guard, clock } = guardParts({ size: roomy ? undefined : { quiet: 20, kept: 10, shared: 4 } });
      let device = guard.remember(bob);
      const hanging: Permit[] = [];
      for (const step of list) {
        switch (step.does) {
          case 'attack':
            for (let n = 0; n < step.times; n++) {
              const subject = step.subject === 0 ? bob : account(`somebody ${step.subject} ${n}`);
              // A cookie of another account, or one that is forged, is worth nothing here.
              const cookie = n % 2 ? guard.remember(account('eve')) : `${device.slice(0, -1)}!`;
              if (tries(guard, 'failed', subject, place(step.source), cookie) !== 'go') refusedOfAttackers++;
            }
            break;
          case 'hang':
            for (let n = 0; n < step.times; n++) {
              const answer = guard.ask({ subject: bob, source: place(step.source) });
              if (answer.go) hanging.push(answer.permit);
            }
            break;
          case 'wait':
            clock.now += step.ms;
            for (const permit of hanging.splice(0, 10)) guard.failed(permit);
            break;
          case 'owner':
            for (let n = 0; n < step.typos; n++) assert.is(tries(guard, 'failed', bob, home, device), 'go');
            assert.is(tries(guard, 'succeeded', bob, home, device), 'go');
            device = guard.remember(bob, device);
        }
        assert.is(tries(guard, 'succeeded', bob, home, device), 'go', JSON.stringify(step));
      }
    }),
    { numRuns: 60 },
  );
  assert.ok(refusedOfAttackers > 0, 'the attackers were');
});

test('the second factor on a device he knows is not held by wrong codes from elsewhere', () => {
  const { guard, clock } = guardParts();
  const code = { kind: 'second-factor', name: bob.name } as const;
  const device = guard.remember(bob);
  for (let n = 0; n < 200; n++) {
    tries(guard, 'failed', code, address(n));
    clock.now += hourMs;
    assert.is(tries(guard, 'succeeded', code, home, device), 'go');
  }
});

test('without the cookie the owner is held up by others: the test above would see it', () => {
  const { guard, clock } = guardParts();
  for (let n = 0; n < 40; n++) tries(guard, 'failed', bob, address(n));
  clock.now += secondMs;
  assert.not.equal(tries(guard, 'succeeded', bob, home), 'go');
});

test.run();
