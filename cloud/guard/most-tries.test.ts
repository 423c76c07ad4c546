import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { account, address, dayMs, guardParts, hourMs, minuteMs, type Parts, tries } from './test-parts.ts';

const bob = account('bob@example.org');

/** The numbers of the README. */
const perDay = 54;
const perDayFromOneSource = 108;
const inARow = 100;
const codesPerDay = 11;

/** Tries that went through in `ms`, one source after the other in each step, one attempt with each. */
function greedily(parts: Parts, ms: number, stepMs: number, sources: number, reset: boolean): number[] {
  const { guard, clock } = parts;
  const at: number[] = [];
  const start = clock.now;
  let source = 0;
  for (; clock.now <= start + ms; clock.now += stepMs) {
    for (let n = 0; n < sources; n++) {
      if (tries(guard, 'failed', bob, address(source++ % 100_000)) !== 'go') break;
      at.push(clock.now);
    }
    // Else the row of a hundred would end it: here is what the ceiling alone lets through.
    if (reset && at.length % 50 === 49) tries(guard, 'succeeded', bob, address(1_000_000 + source));
  }
  return at;
}

function mostInADay(at: readonly number[]): number {
  return Math.max(...at.map((from) => at.filter((time) => time >= from && time <= from + dayMs).length));
}

test('with sources without end an account takes 54 wrong tries in a day at most', () => {
  const at = greedily(guardParts(), dayMs, minuteMs, 100, true);
  assert.is(at.length, perDay);
});

test('no spacing of the tries, and no success of the owner, lets more through in any 24 hours', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(6 * hourMs), { minLength: 5, maxLength: 60 }),
      fc.boolean(),
      (waits, reset) => {
        const parts = guardParts();
        const at: number[] = [];
        let source = 0;
        for (const wait of waits) {
          parts.clock.now += wait;
          for (let n = 0; n < 100; n++) {
            if (tries(parts.guard, 'failed', bob, address(source++)) !== 'go') break;
            at.push(parts.clock.now);
          }
          if (reset) tries(parts.guard, 'succeeded', bob, address(2_000_000 + source));
        }
        assert.ok(mostInADay(at) <= perDay, `${mostInADay(at)}`);
      },
    ),
    { numRuns: 30 },
  );
});

test('a hundred in a row, and no password from a new device is right any more until it is renewed', () => {
  const parts = guardParts();
  const at = greedily(parts, 60 * dayMs, 10 * minuteMs, 100, false);
  assert.is(at.length, inARow);
  assert.equal(tries(parts.guard, 'failed', bob, '192.0.2.1'), {
    why: 'disabled',
    retryAfterSeconds: 86_400,
  });
  parts.guard.renewed(bob);
  assert.is(tries(parts.guard, 'succeeded', bob, '192.0.2.1'), 'go');
  assert.is(parts.kept.size, 0);
});

test('one source alone would get 108 in a day from the delay, and gets less from the ceiling', () => {
  const { guard, clock } = guardParts();
  const token = { kind: 'token', name: 'k', seal: 'holds' } as const;
  let went = 0;
  for (const end = clock.now + dayMs; clock.now <= end; ) {
    const answer = guard.ask({ subject: token, source: '192.0.2.1', seal: 'holds' });
    if (answer.go) {
      guard.failed(answer.permit);
      went++;
    } else {
      clock.now += answer.retryAfterSeconds * 1000;
    }
  }
  assert.is(went, perDayFromOneSource);
  const parts = guardParts();
  assert.ok(greedily(parts, dayMs, minuteMs, 1, false).length <= perDay);
});

test('a second factor takes 11 wrong codes on the first day, then one a day, and 100 in all', () => {
  const { guard, clock } = guardParts();
  const code = { kind: 'second-factor', name: bob.name } as const;
  const at: number[] = [];
  for (let n = 0; n < 400 * 24 * 4; n++, clock.now += 15 * minuteMs) {
    for (let m = 0; m < 6; m++) if (tries(guard, 'failed', code, address(n + m)) === 'go') at.push(clock.now);
  }
  const [first = 0] = at;
  assert.is(at.filter((time) => time < first + dayMs).length, codesPerDay);
  assert.is(mostInADay(at), codesPerDay);
  const months = at.filter((time) => time >= first + 10 * dayMs && time < first + 70 * dayMs);
  assert.ok(months.length <= 61, `${months.length}`);
  assert.is(at.length, inARow);
});

test.run();
