import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Standing } from '../../access/index.ts';
import { StillMay } from './still-may.ts';

const test = suite('whether the caller of a stream still may');

const standing: Standing = {
  organisation: { id: 'first' },
  scopes: new Set(['readings.get']),
  reach: { departments: 'all', customer: null, devices: null, tags: null },
  withheld: null,
};

/** Someone who may follow until 1,000,000 ms, and how often the store was asked for him. */
function follower(over: { grant?: Standing['grant'] } = {}) {
  const state = { changes: 7, now: 0, asked: 0, answer: async (): Promise<Standing | undefined> => own };
  const own = { ...standing, ...over };
  const caller = { kind: 'token', id: 't', name: 'logger', creator: 'p', expires: 1_000_000 } as const;
  const stillMay = new StillMay({
    again: () => {
      state.asked += 1;
      return state.answer();
    },
    caller: { ...caller, standing: own },
    standing: own,
    store: {
      get changes() {
        return state.changes;
      },
    },
    now: () => state.now,
  });
  return { state, stillMay, own };
}

test('the store is asked once after the beginning, and then only when something has changed', async () => {
  const { state, stillMay } = follower();
  for (state.now = 0; state.now < 50_000; state.now += 1000) await stillMay.look();
  assert.is(state.asked, 1);
  state.changes += 1;
  for (let looks = 0; looks < 3; looks++) await stillMay.look();
  assert.is(state.asked, 2);
});

test('what has changed while it was asked is asked after at the next look', async () => {
  const { state, stillMay, own } = follower();
  state.answer = async () => {
    state.changes += 1;
    state.answer = async () => undefined;
    return own;
  };
  await stillMay.look();
  assert.equal(stillMay.standing, own);
  await stillMay.look();
  assert.is(stillMay.standing, undefined);
});

test('it is asked when the time of the token, of the session or of a grant is over', async () => {
  for (const [ends, over] of [
    [1_000_000, {}],
    [30_000, { grant: { id: 'g', until: 30_000 } }],
  ] as const) {
    const { state, stillMay } = follower(over);
    state.now = ends - 1;
    await stillMay.look();
    assert.is(state.asked, 1);
    state.now = ends;
    state.answer = async () => undefined;
    await stillMay.look();
    assert.is(stillMay.standing, undefined);
  }
});

test('it is asked once a minute all the same, so that a session in use is not taken for an idle one', async () => {
  const { state, stillMay } = follower();
  for (state.now = 0; state.now <= 300_000; state.now += 1000) await stillMay.look();
  assert.is(state.asked, 6);
});

test('where the store cannot answer he is nothing; and who is nothing is not asked for again', async () => {
  const { state, stillMay } = follower();
  state.answer = () => Promise.reject(new Error('no answer'));
  await stillMay.look();
  assert.is(stillMay.standing, undefined);
  state.changes += 1;
  await stillMay.look();
  assert.is(state.asked, 1);
});

test('one question at a time', async () => {
  const { state, stillMay, own } = follower();
  let settle = (_: Standing) => {};
  state.answer = () => new Promise((resolve) => (settle = resolve));
  const first = stillMay.look();
  state.changes += 1;
  await stillMay.look();
  assert.is(state.asked, 1);
  settle(own);
  await first;
});

test.run();
