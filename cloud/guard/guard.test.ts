import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Permit } from './index.ts';
import { account, address, dayMs, guardParts, hourMs, minuteMs, secondMs, tries } from './test-parts.ts';

const bob = account('bob@example.org');

test('three failures are free, then the delay doubles from a second to a quarter of an hour', () => {
  const { guard, clock } = guardParts();
  const delays = [];
  for (let n = 1; n <= 16; n++) {
    assert.is(tries(guard, 'failed', bob, '192.0.2.1'), 'go', `attempt ${n}`);
    const refused = guard.ask({ subject: bob, source: '192.0.2.1' });
    if (refused.go) {
      guard.undecided(refused.permit);
      delays.push(0);
      continue;
    }
    assert.is(refused.why, 'delay');
    delays.push(refused.retryAfterSeconds);
    clock.now += refused.retryAfterSeconds * secondMs - 1;
    assert.not.ok(guard.ask({ subject: bob, source: '192.0.2.1' }).go, 'not a millisecond early');
    clock.now += 1;
  }
  assert.equal(delays, [0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
});

test('a success forgets the delay of its source, and failures fade by one an hour', () => {
  const { guard, clock } = guardParts();
  for (let n = 0; n < 3; n++) tries(guard, 'failed', bob, '192.0.2.1');
  assert.is(tries(guard, 'succeeded', bob, '192.0.2.1'), 'go');
  for (let n = 0; n < 4; n++) assert.is(tries(guard, 'failed', bob, '192.0.2.1'), 'go');
  assert.equal(tries(guard, 'failed', bob, '192.0.2.1'), { why: 'delay', retryAfterSeconds: 1 });
  clock.now += hourMs;
  assert.is(tries(guard, 'failed', bob, '192.0.2.1'), 'go');
  assert.equal(
    tries(guard, 'failed', bob, '192.0.2.1'),
    { why: 'delay', retryAfterSeconds: 1 },
    'four, not five',
  );
});

test('each spelling of a name that a login takes for the same shares its tries', () => {
  const { guard } = guardParts();
  for (const name of ['bob@example.org', 'BOB@example.org', ' bob@example.org', 'bob@example.org']) {
    assert.is(tries(guard, 'failed', account(name), '192.0.2.1'), 'go');
  }
  assert.not.equal(tries(guard, 'failed', account('Bob@Example.org'), '192.0.2.1'), 'go');
});

test('attempts at one moment do not slip through together', () => {
  const { guard, clock } = guardParts();
  const permits: Permit[] = [];
  for (let n = 0; n < 100; n++) {
    const answer = guard.ask({ subject: bob, source: '192.0.2.1' });
    if (answer.go) permits.push(answer.permit);
  }
  assert.is(permits.length, 4, 'as many as one after the other without waiting');
  for (let n = 0; n < 100; n++) guard.ask({ subject: bob, source: address(n) });
  let more = 0;
  for (let n = 100; n < 200; n++) if (guard.ask({ subject: bob, source: address(n) }).go) more++;
  assert.is(more, 0, 'nor over many sources');
  for (const permit of permits) guard.succeeded(permit);
  clock.now += secondMs;
  assert.is(tries(guard, 'failed', bob, address(200)), 'go', 'what ended well is given back');
});

test('an attempt that could not be decided counts for nothing, one whose end is never told is a failure', () => {
  const { guard, clock } = guardParts();
  for (let n = 0; n < 50; n++) {
    const answer = guard.ask({ subject: bob, source: '192.0.2.1' });
    assert.ok(answer.go, `attempt ${n}`);
    if (answer.go) guard.undecided(answer.permit);
  }
  for (let n = 0; n < 4; n++) assert.ok(guard.ask({ subject: bob, source: '192.0.2.1' }).go);
  clock.now += 5 * minuteMs;
  guard.tick();
  assert.equal(tries(guard, 'failed', bob, '192.0.2.1'), { why: 'delay', retryAfterSeconds: 1 });
});

test('fifty failures block a source for an hour, whomever it asked for, then for two, up to a day', () => {
  const { guard, clock } = guardParts();
  const hours = [];
  for (let round = 0; round < 7; round++) {
    for (let n = 0; n < 50; n++) {
      assert.is(tries(guard, 'failed', account(`${round} ${n}`), '2001:db8::1'), 'go', `${round} ${n}`);
    }
    const refused = tries(guard, 'failed', account('somebody'), '2001:db8::2');
    if (refused === 'go') return assert.unreachable('not blocked');
    assert.is(refused.why, 'source');
    hours.push(refused.retryAfterSeconds / 3600);
    assert.is(tries(guard, 'failed', account('somebody'), '192.0.2.1'), 'go', 'from elsewhere');
    clock.now += refused.retryAfterSeconds * secondMs;
  }
  assert.equal(hours, [1, 2, 4, 8, 16, 24, 24]);
  clock.now += 30 * dayMs;
  for (let n = 0; n < 50; n++) tries(guard, 'failed', account(`${n}`), '2001:db8::1');
  assert.equal(tries(guard, 'failed', bob, '2001:db8::1'), { why: 'source', retryAfterSeconds: 3600 });
});

test('a /48 is blocked as a whole after five hundred failures from its places', () => {
  const { guard } = guardParts();
  for (let n = 0; n < 500; n++) {
    assert.is(
      tries(guard, 'failed', account(`${n}`), `2001:db8:1:${n.toString(16)}::1`),
      'go',
      `attempt ${n}`,
    );
  }
  assert.equal(tries(guard, 'failed', bob, '2001:db8:1:ffff::1'), { why: 'source', retryAfterSeconds: 3600 });
  assert.is(tries(guard, 'failed', bob, '2001:db8:2::1'), 'go');
});

test('logging in now and then does not keep a guessing source from being blocked', () => {
  const { guard } = guardParts();
  let went = 0;
  for (let n = 0; n < 200; n++) {
    if (tries(guard, 'failed', account(`${n}`), '192.0.2.1') === 'go') went++;
    tries(guard, 'succeeded', account('the attacker himself'), '192.0.2.1');
  }
  assert.is(went, 50);
});

test('a crowd that logs in at once through one address is not blocked', () => {
  const { guard, clock, alarms } = guardParts();
  for (let n = 0; n < 200; n++) {
    const answer = guard.ask({ subject: account(`${n}`), source: '192.0.2.1' });
    if (!answer.go) assert.equal([answer.why, answer.retryAfterSeconds], ['busy', 1]);
    clock.now += 10;
  }
  assert.equal(guard.blocks(), []);
  assert.equal(alarms, []);
});

test('a device that is known and fails ten times in a row is as any other from then on', () => {
  const { guard, clock, alarms } = guardParts();
  const device = guard.remember(bob);
  for (let n = 0; n < 30; n++) tries(guard, 'failed', bob, address(n));
  let went = 0;
  for (let waited = 0; waited <= dayMs; waited += minuteMs) {
    if (tries(guard, 'failed', bob, '192.0.2.1', device) === 'go') went++;
    clock.now += minuteMs;
  }
  assert.is(went, 10 + 24, 'ten of its own, then what the ceiling lets everybody try');
  assert.is(alarms.filter(({ kind }) => kind === 'device').length, 1);
  assert.is(
    tries(guard, 'succeeded', bob, '192.0.2.2', guard.remember(bob, device)),
    'go',
    'a new login, a new cookie',
  );
});

test('a credential whose seal holds is answered for itself, whatever comes from its source', () => {
  const { guard } = guardParts();
  const nobody = { kind: 'token', name: '' } as const;
  for (let n = 0; n < 200; n++) tries(guard, 'failed', nobody, '192.0.2.1');
  for (let n = 0; n < 200; n++) tries(guard, 'failed', { kind: 'token', name: `${n}` }, '192.0.2.1');
  assert.is(guard.ask({ subject: { kind: 'token', name: 'other' }, source: '192.0.2.1' }).go, false);
  const good = { subject: { kind: 'token', name: 'good' }, source: '192.0.2.1', seal: 'holds' } as const;
  for (let n = 0; n < 100; n++) {
    const answer = guard.ask(good);
    assert.ok(answer.go);
    if (answer.go) guard.succeeded(answer.permit);
  }
  assert.is(tries(guard, 'succeeded', bob, '192.0.2.1'), 'go', 'nor do machines lock out people');
  let went = 0;
  for (let n = 0; n < 100; n++) {
    const answer = guard.ask({ ...good, subject: { kind: 'token', name: 'revoked' } });
    if (answer.go) guard.failed(answer.permit);
    if (answer.go) went++;
  }
  assert.is(went, 4, 'one that was revoked is slowed by itself');
});

test("what names nobody is nobody's ceiling", () => {
  const { guard, kept } = guardParts();
  for (let n = 0; n < 300; n++)
    assert.is(tries(guard, 'failed', { kind: 'token', name: '' }, address(n)), 'go');
  assert.is(kept.size, 0);
});

test('five wrong PINs in a row block a code until an act', () => {
  const { guard, clock } = guardParts();
  const code = { kind: 'code', name: 'k7' } as const;
  for (let n = 0; n < 5; n++) assert.is(tries(guard, 'failed', code, address(n)), 'go');
  clock.now += 40 * dayMs;
  assert.equal(tries(guard, 'failed', code, '192.0.2.1'), { why: 'disabled', retryAfterSeconds: 86_400 });
  const [block] = guard.blocks();
  assert.ok(block && guard.unblock(block.id));
  assert.is(tries(guard, 'succeeded', code, '192.0.2.1'), 'go');
});

test.run();
