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

test('the gaps of a set are the numbers from 1 that are missing below its last', () => {
  const { set } = addRange(addRange([], 3, 5).set, 9, 9);
  assert.equal(gapsIn(set), [
    { first: 1, last: 2 },
    { first: 6, last: 8 },
  ]);
});

test.run();
