import { compareVersions } from '@loadline/sdk/release';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as z from 'zod';
import { offerId, type Wish } from './offer-id.ts';
import { isReached } from './rings.ts';
import { type WishedRollout, type WishingGateway, wishFor } from './wish.ts';

const id = fc.stringMatching(/^[a-z0-9]{1,12}$/);
const version = fc.tuple(fc.nat(20), fc.nat(20), fc.nat(20)).map((numbers) => numbers.join('.'));
const percent = fc.integer({ min: 0, max: 100 });
const ring = fc.constantFrom('canary' as const, 'percent' as const, 'all' as const);
const target = 'linux-arm64';
const rollout = fc.record<WishedRollout>({
  id: fc.uuid(),
  release: version,
  target: fc.constantFrom(target, 'linux-x64'),
  state: fc.constantFrom('running', 'paused', 'finished', 'halted'),
  ring,
  percent,
});
const gateway = fc.record<WishingGateway>({
  id,
  isCanary: fc.boolean(),
  pin: fc.option(fc.record({ id: fc.uuid(), release: version }), { nil: undefined }),
  isUpdated: fc.boolean(),
  running: fc.option(
    fc.record({
      release: version,
      target: fc.constant(target),
      slot: fc.constantFrom('a', 'b', 'factory', null),
    }),
    { nil: undefined },
  ),
});
const isKnown = () => true;

test('who is reached by a share is reached by every larger one, and by all', () => {
  fc.assert(
    fc.property(id, fc.boolean(), version, percent, percent, (one, isCanary, release, a, b) => {
      const [less, more] = [Math.min(a, b), Math.max(a, b)];
      const reached = (share: number) =>
        isReached({ ring: 'percent', percent: share }, { id: one, isCanary }, release);
      assert.ok(!reached(less) || reached(more));
      assert.ok(isReached({ ring: 'percent', percent: 100 }, { id: one, isCanary }, release));
      assert.is(reached(0), isCanary);
      assert.is(isReached({ ring: 'canary', percent: 100 }, { id: one, isCanary }, release), isCanary);
    }),
  );
});

test('a share of many gateways is about that many of them, and others for another release', () => {
  const all = Array.from({ length: 4000 }, (_, at) => `gateway-${at}`);
  for (const share of [1, 10, 50]) {
    const reached = (release: string) =>
      all.filter((id) => isReached({ ring: 'percent', percent: share }, { id, isCanary: false }, release));
    const first = reached('1.4.0');
    // Five standard deviations of a draw by lot.
    const spread = 5 * Math.sqrt(4000 * (share / 100) * (1 - share / 100));
    assert.ok(Math.abs(first.length - 40 * share) < spread, `${first.length} of 4000 at ${share} %`);
    assert.not.equal(first, reached('1.4.1'));
  }
});

test('an offer has one id for one wish and gateway, a UUID, and another for each attempt, gateway and wish', () => {
  const wish: fc.Arbitrary<Wish> = fc.oneof(
    fc.record({ kind: fc.constant('rollout' as const), rollout: fc.uuid(), release: version }),
    fc.record({ kind: fc.constant('pin' as const), pin: fc.uuid(), release: version }),
  );
  fc.assert(
    fc.property(wish, id, fc.nat(9), (one, to, attempt) => {
      const made = offerId(one, to, attempt);
      assert.is(made, offerId({ ...one }, to, attempt));
      assert.ok(z.uuid().safeParse(made).success, made);
      assert.is(new Set([made, offerId(one, to, attempt + 1), offerId(one, `${to}x`, attempt)]).size, 3);
    }),
  );
});

test('nobody is offered what the repository lacks, and nobody whose organisation waits or who has no launcher', () => {
  fc.assert(
    fc.property(gateway, fc.array(rollout, { maxLength: 5 }), (one, rollouts) => {
      assert.is(
        wishFor(one, rollouts, () => false),
        undefined,
      );
      if (!one.isUpdated || one.running === undefined || one.running.slot === null) {
        assert.is(wishFor(one, rollouts, isKnown), undefined);
      }
    }),
  );
});

test('a rollout leads nobody to an older release, to one for another target, nor from a halted or paused one', () => {
  fc.assert(
    fc.property(gateway, fc.array(rollout, { maxLength: 5 }), (one, rollouts) => {
      const wish = wishFor(one, rollouts, isKnown);
      if (wish?.kind !== 'rollout') return;
      const chosen = rollouts.find((other) => other.id === wish.rollout);
      assert.is(one.pin, undefined);
      assert.is(chosen?.target, one.running?.target);
      assert.ok(chosen?.state === 'running' || chosen?.state === 'finished');
      assert.ok(compareVersions(wish.release, one.running?.release ?? '') >= 0);
    }),
  );
});

test('a pin goes before every rollout, and to an older release too', () => {
  fc.assert(
    fc.property(gateway, fc.array(rollout, { maxLength: 5 }), (one, rollouts) => {
      const { pin, running } = one;
      if (pin === undefined || running === undefined || running.slot === null || !one.isUpdated) return;
      assert.equal(wishFor(one, rollouts, isKnown), { kind: 'pin', pin: pin.id, release: pin.release });
    }),
  );
});

test('while the newest rollout is paused, what an older one offers still counts', () => {
  const older: WishedRollout = {
    id: 'o',
    release: '1.1.0',
    target,
    state: 'finished',
    ring: 'all',
    percent: 0,
  };
  const newer: WishedRollout = { ...older, id: 'n', release: '1.2.0', state: 'running' };
  const one: WishingGateway = {
    ...{ id: 'mast', isCanary: false, pin: undefined, isUpdated: true },
    running: { release: '1.0.0', target, slot: 'a' },
  };
  assert.is(wishFor(one, [newer, older], isKnown)?.release, '1.2.0');
  assert.is(wishFor(one, [{ ...newer, state: 'paused' }, older], isKnown)?.release, '1.1.0');
  assert.is(wishFor(one, [{ ...newer, state: 'halted' }, older], isKnown)?.release, '1.1.0');
});

test('versions are in the order of semver', () => {
  const ordered = [
    'nonsense',
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-rc.2',
    '1.0.0-rc.11',
  ];
  const all = [...ordered, '1.0.0', '1.0.1', '1.2.0', '1.10.0', '2.0.0'];
  for (const [at, a] of all.entries()) {
    for (const [other, b] of all.entries()) {
      assert.is(Math.sign(compareVersions(a, b)), Math.sign(at - other), `${a} and ${b}`);
    }
  }
});

test.run();
