import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { account, address, dayMs, guardParts, hourMs, minuteMs, tries } from './test-parts.ts';

const bob = account('bob@example.org');

test('administrators are told at once when a ceiling begins: whom it is about, from where, how often', () => {
  const { guard, clock, alarms } = guardParts();
  const first = clock.now;
  for (let n = 0; n < 30; n++) {
    clock.now = first + n * 1000;
    tries(guard, 'failed', bob, address(n % 5));
  }
  assert.equal(alarms, [
    {
      kind: 'ceiling',
      sources: [0, 1, 2, 3, 4].map(address),
      blocks: 1,
      failures: 30,
      refused: 0,
      first,
      last: first + 29_000,
      until: first + hourMs,
      subject: { ...guard.hashed(bob), name: bob.name },
    },
  ]);
});

test('an attack that goes on is told of in pieces, further and further apart', () => {
  const { guard, clock, alarms } = guardParts();
  const start = clock.now;
  const told: number[] = [];
  let failures = 0;
  for (; clock.now < start + 4 * dayMs; clock.now += 10 * minuteMs) {
    for (let n = 0; n < 40; n++) {
      if (tries(guard, 'failed', bob, address(n + clock.now / minuteMs)) === 'go') failures++;
      else break;
    }
    if (failures % 60 === 59) tries(guard, 'succeeded', bob, '192.0.2.1');
    guard.tick();
    if (alarms.length > told.length) told.push(Math.round((clock.now - start) / hourMs));
  }
  assert.ok(told.length >= 4 && told.length <= 9, told.join());
  assert.is(told[0], 0);
  for (let n = 2; n < told.length; n++) {
    const [a = 0, b = 0, c = 0] = told.slice(n - 2, n + 1);
    assert.ok(c - b >= b - a && b - a >= 1, told.join());
  }
  assert.ok(alarms.reduce((sum, alarm) => sum + alarm.failures, 0) > failures / 2);
});

test('a thousand blocked sources and a thousand names are not a thousand mails', () => {
  const { guard, alarms } = guardParts();
  for (let source = 0; source < 1000; source++) {
    for (let n = 0; n < 50; n++) tries(guard, 'failed', { kind: 'socket', name: '' }, address(source));
  }
  assert.is(alarms.length, 1);
  for (let name = 0; name < 1000; name++) {
    for (let n = 0; n < 30; n++) tries(guard, 'failed', account(`${name}`), address(5000 + name * 30 + n));
  }
  assert.ok(alarms.length < 300, `${alarms.length}`);
});

test('a block is listed, ended by one act, and then gone with what led to it', () => {
  const { guard, ended, kept } = guardParts();
  for (let n = 0; n < 50; n++) tries(guard, 'failed', account(`${n}`), '192.0.2.1');
  const [block, ...others] = guard.blocks();
  assert.equal(others, []);
  assert.is(block?.kind, 'source');
  assert.is(block?.source, '192.0.2.1');
  assert.is(block?.failures, 50);
  assert.match(block?.id ?? '', /^[\w.-]+$/);
  assert.equal(guard.unblock(block?.id ?? ''), block);
  assert.is(guard.unblock(block?.id ?? ''), undefined);
  assert.is(guard.unblock('source.nonsense'), undefined);
  assert.equal(guard.blocks(), []);
  assert.is(kept.size, 0);
  assert.equal(
    ended.map(({ by }) => by),
    ['unblocked'],
  );
  assert.is(tries(guard, 'failed', bob, '192.0.2.1'), 'go');
});

test('a block ends by time, and says so', () => {
  const { guard, clock, ended } = guardParts();
  for (let n = 0; n < 50; n++) tries(guard, 'failed', account(`${n}`), '192.0.2.1');
  clock.now += hourMs;
  assert.equal(guard.blocks(), []);
  guard.tick();
  assert.equal(
    ended.map(({ by }) => by),
    ['time'],
  );
});

test('blocks of every kind hold on after a restart, and those that are over do not', () => {
  const before = guardParts();
  const device = before.guard.remember(bob);
  const code = { kind: 'second-factor', name: bob.name } as const;
  for (let n = 0; n < 50; n++) tries(before.guard, 'failed', account(`${n}`), '192.0.2.1');
  for (let n = 0; n < 50; n++) tries(before.guard, 'failed', bob, address(n));
  for (let n = 0; n < 6; n++) tries(before.guard, 'failed', { kind: 'code', name: 'k7' }, address(n));
  for (let n = 0; n < 6; n++) tries(before.guard, 'failed', code, address(n));
  for (let n = 0; n < 20; n++) {
    tries(before.guard, 'failed', account('ann'), address(n), before.guard.remember(account('ann')));
    tries(before.guard, 'failed', bob, '198.51.100.1', device);
    before.clock.now += 15 * minuteMs;
    for (let m = 0; m < 30; m++) tries(before.guard, 'failed', bob, address(100 + m));
    for (let m = 0; m < 60; m++) tries(before.guard, 'failed', account(`${n} ${m}`), '192.0.2.1');
    tries(before.guard, 'failed', code, address(n));
  }
  const kinds = new Set([...before.kept.values()].map(({ kind }) => kind));
  assert.equal([...kinds].sort(), ['ceiling', 'device', 'disabled', 'factor', 'source']);

  const after = guardParts({ clock: before.clock });
  after.guard.restore(JSON.parse(JSON.stringify([...before.kept.values()])));
  const asked = [
    { subject: account('z'), source: '192.0.2.1' },
    { subject: bob, source: '203.0.113.9' },
    { subject: bob, source: '203.0.113.9', device },
    { subject: code, source: '203.0.113.9' },
    { subject: { kind: 'code', name: 'k7' } as const, source: '203.0.113.9' },
  ];
  for (let hours = 0; hours < 50; hours++) {
    for (const attempt of asked) {
      const [was, is] = [before, after].map(({ guard }) => {
        const answer = guard.ask(attempt);
        if (answer.go) guard.undecided(answer.permit);
        return answer.go ? 'go' : answer;
      });
      assert.equal(is, was, `${hours} h: ${JSON.stringify(attempt)}`);
      if (hours === 0) assert.not.equal(is, 'go');
    }
    before.clock.now += hourMs;
  }
  assert.equal(
    after.guard
      .blocks()
      .map(({ kind }) => kind)
      .sort(),
    ['device', 'disabled'],
  );
});

test.run();
