import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Claimant, judge } from './contest.ts';

const test = suite('who has the place of a gateway');

const epochs = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(32));
const [first = '', second = '', third = ''] = epochs;

/** Let in at these moments, in this order. */
function letIn(...names: readonly string[]): Claimant[] {
  return names.map((epoch, index) => ({
    epoch,
    source: `192.0.2.${index}`,
    at: index,
    admitted: 10 * index,
  }));
}

const kindOf = (claimants: readonly Claimant[], epoch: string, began = 1000) =>
  judge(claimants, { epoch, began }).kind;

test('a first process, one that was never seen, and the last one again come in their turn', () => {
  assert.is(kindOf([], first), 'in-turn');
  assert.is(kindOf(letIn(first), second), 'in-turn');
  assert.is(kindOf(letIn(first, second), second), 'in-turn');
});

test('one that another had followed is alive, and so was the other', () => {
  const claimants = letIn(first, second, third);
  const verdict = judge(claimants, { epoch: first, began: 1000 });
  assert.equal(verdict, { kind: 'came-back', before: claimants[0], last: claimants[2] });
});

test('a connection from before the last was let in says nothing of now', () => {
  assert.is(kindOf(letIn(first, second), first, 9), 'late');
  assert.is(kindOf(letIn(first, second), first, 10), 'came-back');
  // What was kept by an earlier process of the cloud is older than every connection.
  const kept = letIn(first, second).map((one) => ({ ...one, admitted: Number.NEGATIVE_INFINITY }));
  assert.is(kindOf(kept, first, 0), 'came-back');
});

/** What one gateway does, whose processes follow one another: connect again, or start anew. */
const life = fc.array(fc.constantFrom('connect', 'start'), { maxLength: 60 });

test('one gateway never meets itself, however often it starts, connects and moves', () => {
  fc.assert(
    fc.property(life, fc.array(fc.nat(5)), (acts, delays) => {
      let claimants: Claimant[] = [];
      let epoch = 0;
      acts.forEach((act, index) => {
        if (act === 'start') epoch += 1;
        const name = epoch.toString(16).padStart(32, '0');
        // Its network may bring what an earlier connection said late: never what a process says that has ended.
        const now = 10 * index;
        const verdict = judge(claimants, { epoch: name, began: now - (delays[index] ?? 0) });
        assert.is(verdict.kind, 'in-turn');
        const claimant = { epoch: name, source: `192.0.2.${index}`, at: now, admitted: now };
        claimants = [...claimants.filter((one) => one.epoch !== name), claimant];
      });
    }),
  );
});

test('two that are alive are found by the third connection at the latest, in whatever order they come', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(first, second), { minLength: 2, maxLength: 20 }), (order) => {
      let claimants: Claimant[] = [];
      let changes = 0;
      let found = 0;
      order.forEach((epoch, index) => {
        const now = 10 * index;
        if (claimants.length > 0 && claimants.at(-1)?.epoch !== epoch) changes += 1;
        if (judge(claimants, { epoch, began: now }).kind === 'came-back') found += 1;
        claimants = [
          ...claimants.filter((one) => one.epoch !== epoch),
          { epoch, source: '', at: now, admitted: now },
        ];
      });
      assert.is(found, Math.max(0, changes - 1));
    }),
  );
});

test.run();
