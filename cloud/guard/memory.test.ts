import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { account, address, guardParts, hourMs, tries } from './test-parts.ts';

const size = { quiet: 1000, kept: 200, shared: 256 };

/** The seven tables, full. */
function most({ quiet, kept, shared }: typeof size): number {
  return 7 * (quiet + kept + shared);
}

test('a flood of random names and addresses takes a fixed number of entries', () => {
  const { guard, clock } = guardParts({ size });
  let highest = 0;
  for (let n = 0; n < 30_000; n++) {
    tries(guard, 'failed', account(`name ${n}`), n % 2 ? address(n * 17) : `2001:db8:${n.toString(16)}::1`);
    clock.now += n % 100 ? 0 : 1;
    highest = Math.max(highest, guard.size);
  }
  assert.ok(highest > 2 * size.quiet, 'the tables did fill');
  assert.ok(highest <= most(size), `${highest}`);
});

test('a flood does not push out the block of the one who sends it', () => {
  const { guard, kept } = guardParts({ size });
  const bob = account('bob@example.org');
  for (let n = 0; n < 60; n++) tries(guard, 'failed', bob, address(n));
  for (let n = 0; n < 60; n++) tries(guard, 'failed', account(`a ${n}`), '192.0.2.1');
  const before = [...kept.keys()];
  assert.is(before.length, 2);
  for (let n = 0; n < 20_000; n++)
    tries(guard, 'failed', account(`b ${n}`), `2001:db8:${(n >> 4).toString(16)}::1`);
  for (const id of before) assert.ok(kept.has(id));
  assert.not.equal(tries(guard, 'failed', bob, '198.51.100.1'), 'go');
  assert.not.equal(tries(guard, 'failed', account('c'), '192.0.2.1'), 'go');
});

test('what is pushed out is not forgotten: a shared counter goes on', () => {
  const { guard, clock } = guardParts({ size });
  const bob = account('bob@example.org');
  let went = 0;
  for (let round = 0; round < 40; round++) {
    if (tries(guard, 'failed', bob, address(round)) === 'go') went++;
    for (let n = 0; n < 1500; n++) {
      const flood = round * 1500 + n;
      tries(guard, 'failed', account(`f ${flood}`), address(1_000_000 + flood));
    }
    clock.now += 1000;
  }
  assert.ok(went > 0 && went <= 30, `${went}`);
  clock.now += 40 * hourMs;
  assert.is(tries(guard, 'succeeded', bob, address(0)), 'go', 'and it fades like any other');
});

test('an account whose counter is pushed out again and again still has its ceiling', () => {
  const { guard, clock } = guardParts({ size: { quiet: 20, kept: 10, shared: 16 } });
  const bob = account('bob@example.org');
  const rounds = 40;
  let went = 0;
  for (let round = 0; round < rounds; round++, clock.now += hourMs / 2) {
    for (let n = 0; n < 2; n++) if (tries(guard, 'failed', bob, address(2 * round + n)) === 'go') went++;
    // From few sources, so that it is names that run out of room, and no source is blocked.
    for (let n = 0; n < 24; n++) {
      tries(guard, 'failed', account(`f ${round} ${n}`), address(1_000_000 + 3 * round + (n % 3)));
    }
  }
  assert.ok(went > 20 && went <= 30 + rounds / 2, `${went}`);
});

test('when more are blocked than there is room for, the oldest are blocked on in shared counters', () => {
  const { guard, ended } = guardParts({ size });
  for (let source = 0; source < 400; source++) {
    for (let n = 0; n < 50; n++) tries(guard, 'failed', { kind: 'token', name: '' }, address(source));
  }
  for (let source = 0; source < 400; source++) {
    assert.not.equal(tries(guard, 'failed', account(`x ${source}`), address(source)), undefined);
    const answer = guard.ask({ subject: { kind: 'token', name: '' }, source: address(source) });
    assert.not.ok(answer.go, `source ${source}`);
  }
  assert.ok(ended.length > 0 && ended.every(({ by }) => by === 'overflow'));
  assert.ok(guard.blocks().length <= 7 * size.kept);
});

test('logins that end well leave nothing behind', () => {
  const { guard } = guardParts();
  for (let n = 0; n < 1000; n++)
    tries(guard, 'succeeded', account(`user ${n}`), address(n), guard.remember(account(`user ${n}`)));
  for (let n = 0; n < 1000; n++) tries(guard, 'succeeded', account(`user ${n}`), address(n));
  assert.is(guard.size, 0);
});

test.run();
