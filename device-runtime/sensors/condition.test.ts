import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Condition } from './condition.ts';

const test = suite('conditions');

const hold = 60_000;

function watched(end: 'sensor-returned' | 'untold' = 'sensor-returned') {
  const told: string[] = [];
  const times: number[] = [];
  const condition = new Condition(
    'sensor-stale',
    end === 'untold' ? undefined : end,
    hold,
    (now, code, detail) => {
      told.push(`${code === 'sensor-stale' ? 'begin' : 'end'} ${detail} @${now}`);
      times.push(now);
    },
  );
  const set = (now: number, active: boolean) =>
    active ? condition.begin(now, () => 'b') : condition.end(now, () => 'e');
  return { condition, told, times, set };
}

test('the first change is told at once, and the next one after the hold', () => {
  const { condition, told, set } = watched();
  set(0, true);
  set(1000, false);
  assert.equal(told, ['begin b @0']);
  assert.is(condition.due, hold);
  condition.tick(hold - 1);
  assert.is(told.length, 1);
  condition.tick(hold);
  assert.equal(told, ['begin b @0', 'end e @60000']);
  assert.is(condition.due, Number.POSITIVE_INFINITY);
});

test('what lasts is told once', () => {
  const { condition, told, set } = watched();
  set(0, true);
  set(1, true);
  condition.tick(10 * hold);
  set(11 * hold, true);
  assert.equal(told, ['begin b @0']);
});

test('what came and went unseen is told as one beginning and one end', () => {
  const { condition, told, set } = watched();
  set(0, true);
  set(hold, false);
  for (let at = hold + 1; at < hold + 7; at++) set(at, at % 2 === 1);
  condition.tick(2 * hold);
  assert.equal(told.slice(2), ['begin b (3 times of late) @120000', 'end e @120000']);
});

test('without an end to tell, it is told again when it begins again after the hold', () => {
  const { condition, told, set } = watched('untold');
  set(0, true);
  set(1, false);
  set(2, true);
  condition.tick(hold);
  set(hold + 1, false);
  condition.tick(2 * hold);
  set(3 * hold, true);
  assert.equal(told, ['begin b @0', 'begin b @60000', 'begin b @180000']);
});

test('what would be told later is told at the end', () => {
  const { condition, told, set } = watched();
  set(0, true);
  set(1, false);
  condition.flush(2);
  condition.flush(3);
  assert.equal(told, ['begin b @0', 'end e @2']);
});

test('no storm, nothing untold: at most two events in a hold, by turns, and what holds is known after it', () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 40_000 }), fc.boolean()), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (changes) => {
      const { condition, told, times, set } = watched();
      let now = 0;
      let active = false;
      let begun = 0;
      const advance = (to: number) => {
        while (condition.due <= to) condition.tick(Math.max(condition.due, now));
        now = to;
      };
      for (const [gap, next] of changes) {
        advance(now + gap);
        if (next && !active) begun++;
        active = next;
        set(now, active);
      }
      advance(now + hold);
      assert.is(told.length % 2 === 1, active);
      told.forEach((each, index) => {
        assert.ok(each.startsWith(index % 2 === 0 ? 'begin' : 'end'));
      });
      assert.is(begun > 0, told.length > 0);
      times.forEach((time, index) => {
        const third = times[index + 2];
        if (third !== undefined) assert.ok(third - time >= hold, `three events within ${third - time} ms`);
      });
    }),
  );
});

test.run();
