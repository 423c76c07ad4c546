import { randomUUID } from 'node:crypto';
import type { UpdatingMessage } from '@loadline/sdk/contract';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ChangeWrite, type Step, step } from './change.ts';
import { Committer } from './commit.ts';
import { storeReads } from './reads.ts';
import { device, withDatabase } from './test-store.ts';
import type { UpdatingWrite } from './update-commit.ts';

const change = (...steps: Step[]): ChangeWrite => ({ kind: 'change', steps, audit: [] });
const rolloutOf = (id: string, target = 'linux-arm64'): Step =>
  step(
    'addRollout',
    {
      ...{
        id,
        release: '1.4.0',
        target,
        ring: 'canary',
        percent: 0,
        state: 'running',
        unheard: '[]',
        created: 1,
        by: 'ann',
      },
      ...{ halt_count: 3, halt_share: 5, halt_minutes: 60 },
    },
    'some',
  );
const setOf = (id: string, revision: number, state: 'paused' | 'finished' | 'halted' | 'running'): Step =>
  step(
    'setRollout',
    {
      ...{ id, revision, ring: 'all', percent: 0, state, reason: null, at: 2 },
      ...{ count: 3, share: 5, minutes: 60 },
    },
    'some',
  );
const said = (offer: string | null, progress: UpdatingMessage['progress'], at: number): UpdatingWrite => ({
  kind: 'updating',
  device,
  message: {
    version: 1,
    running: { release: '1.3.0', slot: 'a', target: 'linux-arm64' },
    offer,
    progress,
  },
  at,
});

test('of one target one rollout is under way, and what was halted stays so', () =>
  withDatabase((connection) => {
    const committer = new Committer(connection, () => 0);
    const reads = storeReads(connection);
    const done = (...steps: Step[]) => committer.commit([change(...steps)])[0]?.kind === 'changed';
    assert.ok(done(rolloutOf('one')));
    assert.not.ok(done(rolloutOf('two')));
    assert.ok(done(rolloutOf('other', 'linux-x64')));
    assert.ok(done(setOf('one', 1, 'paused')));
    assert.not.ok(done(setOf('one', 1, 'running')), 'another revision than it is');
    assert.not.ok(done(rolloutOf('two')));
    assert.ok(done(setOf('one', 2, 'halted')));
    assert.not.ok(done(setOf('one', 3, 'running')));
    assert.ok(done(rolloutOf('two')));
    const shown = reads.rollouts({}).map(({ id, state, revision }) => [id, state, revision]);
    assert.equal(shown, [
      ['two', 'running', 1],
      ['other', 'running', 1],
      ['one', 'halted', 3],
    ]);
    assert.ok(done(step('pauseEveryRollout', { at: 9 })));
    assert.equal(
      reads.rollouts({}).map(({ state }) => state),
      ['paused', 'paused', 'halted'],
    );
    // What is finished is offered still, and may have been halted since: the newest of each target waits, too.
    assert.ok(done(setOf('other', 2, 'finished')));
    assert.ok(done(setOf('two', 2, 'finished')));
    assert.ok(done(rolloutOf('three')));
    assert.ok(done(step('pauseEveryRollout', { at: 10 })));
    assert.equal(
      reads.rollouts({}).map(({ id, state }) => [id, state]),
      [
        ['three', 'paused'],
        ['two', 'finished'],
        ['other', 'paused'],
        ['one', 'halted'],
      ],
    );
  }));

test('what a gateway says is kept with how long it is so, and of its offer what came of it', () =>
  withDatabase((connection) => {
    const committer = new Committer(connection, () => 0);
    const reads = storeReads(connection);
    const offer = randomUUID();
    committer.commit([change(rolloutOf('one'))]);
    const made = step('addOffer', { id: offer, device, rollout: 'one', release: '1.4.0', at: 5 });
    committer.commit([change(made), change(made)]);
    const state = () => reads.update({ device }).state;
    const kept = () => reads.offer({ id: offer });
    committer.commit([said(null, { state: 'idle' }, 10), said(null, { state: 'idle' }, 20)]);
    assert.equal(
      [state()?.state, state()?.since, state()?.heard, kept()?.state],
      ['idle', 10, 20, 'offered'],
    );
    committer.commit([said(offer, { state: 'waiting', detail: 'for its window' }, 25)]);
    assert.equal(reads.rolloutWaits({ rollout: 'one' }), [
      { organisation: 'first', detail: 'for its window', gateways: 1 },
    ]);
    committer.commit([said(offer, { state: 'downloading', done: 1, total: 9 }, 30)]);
    assert.equal(reads.rolloutWaits({ rollout: 'one' }), []);
    committer.commit([said(offer, { state: 'downloading', done: 2, total: 9 }, 40)]);
    assert.equal([state()?.done, state()?.total, state()?.since, kept()?.since], [2, 9, 30, 30]);
    assert.is(kept()?.took, null);
    committer.commit([said(offer, { state: 'installing' }, 50)]);
    committer.commit([said(offer, { state: 'trying', secondsLeft: 8 }, 60)]);
    assert.equal([state()?.seconds_left, kept()?.took, kept()?.since], [8, 50, 60]);
    assert.is(reads.rolloutCounts({ rollout: 'one', before: 50 }).overdue, 0);
    assert.is(reads.rolloutCounts({ rollout: 'one', before: 51 }).overdue, 1);
    assert.is(reads.rolloutCounts({ rollout: 'one', before: 51, without: ['first'] }).overdue, 0);
    assert.equal(reads.rolloutFailures({ rollout: 'one', before: 50 }), []);
    assert.equal(reads.rolloutFailures({ rollout: 'one', before: 51 }), [
      { organisation: 'first', state: 'trying', code: null, detail: null, gateways: 1 },
    ]);
    committer.commit([said(offer, { state: 'rolled-back', detail: 'starts' }, 70)]);
    // That it rests now says nothing of how it ended.
    committer.commit([said(offer, { state: 'idle' }, 80)]);
    assert.equal([kept()?.state, kept()?.detail, kept()?.since], ['rolled-back', 'starts', 70]);
    assert.equal(reads.rolloutCounts({ rollout: 'one', before: 999 }), {
      states: { 'rolled-back': 1 },
      overdue: 0,
    });
    assert.equal(reads.rolloutCounts({ rollout: 'one', before: 999, without: ['second'] }).states, {
      'rolled-back': 1,
    });
    assert.equal(reads.rolloutCounts({ rollout: 'one', before: 999, without: ['first'] }).states, {});
    assert.equal(reads.rolloutFailures({ rollout: 'one', before: 0 }), [
      { organisation: 'first', state: 'rolled-back', code: null, detail: 'starts', gateways: 1 },
    ]);
    assert.equal(reads.rolloutFailed({ rollout: 'one' }), [device]);
    // Offered once more, it counts no more.
    committer.commit([change(step('retryUpdate', { device }), step('retireOffers', { device }))]);
    assert.is(reads.update({ device }).setting?.attempt, 1);
    assert.equal(reads.rolloutCounts({ rollout: 'one', before: 999 }), { states: {}, overdue: 0 });
  }));

test("nobody says what came of another gateway's offer", () =>
  withDatabase((connection) => {
    const committer = new Committer(connection, () => 0);
    const reads = storeReads(connection);
    committer.commit([
      change(step('addDevice', { id: 'other', organisation: 'first', kind: 'gateway' })),
      change(step('addOffer', { id: randomUUID(), device, rollout: null, release: '1.4.0', at: 1 })),
    ]);
    const offer = reads.offers({ device, limit: 9 })[0]?.id ?? '';
    const [outcome] = committer.commit([
      { ...said(offer, { state: 'refused', code: 'file-refused', detail: '' }, 2), device: device + 1 },
    ]);
    assert.is(outcome?.kind, 'done');
    assert.is(reads.offer({ id: offer })?.state, 'offered');
    assert.is(reads.update({ device: device + 1 }).state?.code, 'file-refused');
  }));

test('a pin is kept beside the mark of a canary, and the newest offers are', () =>
  withDatabase((connection) => {
    const committer = new Committer(connection, () => 0);
    const reads = storeReads(connection);
    committer.commit([change(step('retryUpdate', { device }))]);
    const pin = { pin: randomUUID(), pin_release: '1.2.0', pin_by: 'ann' };
    committer.commit([change(step('setPin', { device, ...pin }))]);
    committer.commit([change(step('setCanary', { device, canary: 1 }))]);
    assert.equal(reads.update({ device }).setting, { device, canary: 1, ...pin, attempt: 1 });
    assert.is(reads.update({ device }).isUpdated, true);
    for (let at = 1; at <= 5; at++) {
      committer.commit([
        change(
          step('trimOffers', { device, kept: 2 }),
          step('addOffer', { id: randomUUID(), device, rollout: null, release: `1.0.${at}`, at }),
        ),
      ]);
    }
    assert.equal(
      reads.offers({ device, limit: 9 }).map(({ release }) => release),
      ['1.0.5', '1.0.4', '1.0.3'],
    );
  }));

test.run();
