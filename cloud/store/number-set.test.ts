import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addRange, countNumbers, gapsIn, hasNumber, type NumberSet } from './number-set.ts';

const runs = fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.nat(12)), { maxLength: 40 });

test('a set of ranges holds just the numbers of the runs added, and says which were new', () => {
  fc.assert(
    fc.property(runs, (list) => {
      let set: NumberSet = [];
      const model = new Set<number>();
      for (const [first, length] of list) {
        const last = first + length;
        const before = set;
        const { set: after, fresh, removed, added } = addRange(set, first, last);
        const expected = [];
        for (let number = first; number <= last; number++) if (!model.has(number)) expected.push(number);
        assert.equal(
          fresh.flatMap((range) =>
            Array.from({ length: range.last - range.first + 1 }, (_, n) => range.first + n),
          ),
          expected,
        );
        for (const number of expected) model.add(number);
        const rest = before.filter((range) => !removed.includes(range));
        assert.equal(
          [...rest, ...added].sort((a, b) => a.first - b.first),
          after,
        );
        set = after;
      }
      assert.is(countNumbers(set), model.size);
      for (let number = 1; number <= 75; number++) assert.is(hasNumber(set, number), model.has(number));
      for (let index = 1; index < set.length; index++) {
        const [left, right] = [set[index - 1], set[index]];
        assert.ok(left && right && left.last + 1 < right.first, 'ranges are joined where they touch');
      }
    }),
  );
});

test('the gaps of a set are told apart: dropped, still held by the device, or lost', () => {
  const { set } = addRange(addRange([], 3, 5).set, 20, 21);
  assert.equal(gapsIn(set, [{ first: 8, last: 9 }], 15), [
    { first: 0, last: 2, state: 'lost' },
    { first: 6, last: 7, state: 'lost' },
    { first: 8, last: 9, state: 'dropped' },
    { first: 10, last: 14, state: 'lost' },
    { first: 15, last: 19, state: 'coming' },
  ]);
});

test('every number below the last received is in the set or in exactly one gap', async () => {
  await fc.assert(
    fc.property(runs, runs, fc.nat(80), (received, declared, oldest) => {
      const build = (list: [number, number][]) =>
        list.reduce<NumberSet>((set, [first, length]) => addRange(set, first, first + length).set, []);
      const [set, dropped] = [build(received), build(declared)];
      const gaps = gapsIn(set, dropped, oldest);
      const known = Math.max(set.at(-1)?.last ?? -1, dropped.at(-1)?.last ?? -1, oldest - 1);
      for (let number = 0; number <= known + 5; number++) {
        const holding = gaps.filter(({ first, last }) => first <= number && number <= last);
        const expected = hasNumber(set, number) || number > known ? 0 : 1;
        assert.is(holding.length, expected, `number ${number}`);
        if (hasNumber(dropped, number)) for (const { state } of holding) assert.is(state, 'dropped');
      }
    }),
  );
});

test.run();
