import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { account, address, dayMs, guardParts, tries } from './test-parts.ts';

const code = { kind: 'second-factor', name: 'bob@example.org' } as const;

test('five wrong codes in a row hold the factor for growing times whatever the source, and the answer says so', () => {
  const { guard, clock, alarms } = guardParts();
  for (let n = 0; n < 4; n++) assert.is(tries(guard, 'failed', code, address(n)), 'go');
  assert.equal(guard.blocks(), []);
  const held = [];
  for (let n = 4; n < 13; n++) {
    assert.is(tries(guard, 'failed', code, address(n)), 'go');
    const refused = tries(guard, 'succeeded', code, address(100 + n));
    if (refused === 'go') return assert.unreachable('not held');
    assert.is(refused.why, 'factor');
    held.push(refused.retryAfterSeconds / 900);
    clock.now += refused.retryAfterSeconds * 1000;
  }
  assert.equal(held, [1, 2, 4, 8, 16, 32, 64, 96, 96]);
  assert.is(alarms[0]?.kind, 'factor', 'somebody has the password');
  assert.is(alarms[0]?.failures, 5);
});

test('a right code begins anew, and a right password does not', () => {
  const { guard } = guardParts();
  for (let n = 0; n < 4; n++) tries(guard, 'failed', code, '192.0.2.1');
  tries(guard, 'succeeded', account(code.name), '192.0.2.1');
  tries(guard, 'failed', code, '192.0.2.1');
  assert.not.equal(tries(guard, 'failed', code, '192.0.2.1'), 'go');
  const other = guardParts().guard;
  for (let n = 0; n < 4; n++) tries(other, 'failed', code, '192.0.2.1');
  tries(other, 'succeeded', code, '192.0.2.1');
  for (let n = 0; n < 5; n++) assert.is(tries(other, 'failed', code, '192.0.2.1'), 'go');
});

test('a stolen device cookie is good for ten codes, also with the password at hand', () => {
  const { guard, clock } = guardParts();
  const device = guard.remember(account(code.name));
  let went = 0;
  for (let n = 0; n < 500; n++, clock.now += 900_000) {
    assert.is(tries(guard, 'succeeded', account(code.name), '192.0.2.1', device), 'go');
    if (tries(guard, 'failed', code, '192.0.2.1', device) === 'go') went++;
  }
  const [own] = guard.blocks().filter(({ kind }) => kind === 'device');
  assert.ok(own);
  const alone = guardParts();
  let codes = 0;
  for (let n = 0; n < 490; n++, alone.clock.now += 900_000) {
    if (tries(alone.guard, 'failed', code, '192.0.2.1') === 'go') codes++;
  }
  assert.ok(went <= 10 + codes, `${went} with it, ${codes} without`);
});

test('a factor that is set up anew is not held', () => {
  const { guard, clock } = guardParts();
  for (let n = 0; n < 200; n++, clock.now += dayMs) tries(guard, 'failed', code, address(n));
  assert.equal(tries(guard, 'failed', code, '192.0.2.1'), { why: 'disabled', retryAfterSeconds: 86_400 });
  guard.renewed(code);
  assert.is(tries(guard, 'succeeded', code, '192.0.2.1'), 'go');
  assert.equal(guard.blocks(), []);
});

test.run();
