import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cursorAt, namePlace, pageByKey, placeIn, timePlace } from './places.ts';
import { Problem } from './problem.ts';

test('a cursor comes back as the place it was made of, whatever the name', () => {
  const name = '”\u0000ß'.repeat(66);
  assert.equal(placeIn(cursorAt(name, 'id'), namePlace), { name, id: 'id' });
  assert.equal(placeIn(cursorAt(17, 'id'), timePlace), { created: 17, id: 'id' });
  assert.is(placeIn(undefined, namePlace), undefined);
});

test('a cursor that was made up, or of another list, is refused', () => {
  for (const made of ['', 'x', 'bnVsbA', '{}', cursorAt(1, 'id'), cursorAt('name'), 'A'.repeat(1200)]) {
    assert.throws(
      () => placeIn(made, namePlace),
      (error: unknown) => error instanceof Problem && error.status === 400,
      made,
    );
  }
});

test('pages by key hold every item once, also where the last one is gone', () => {
  const items = ['a', 'b', 'c', 'd', 'e'];
  const first = pageByKey(items, { limit: 2 }, (one) => one);
  assert.equal(first.items, ['a', 'b']);
  const rest = ['a', 'c', 'd'];
  const second = pageByKey(rest, { limit: 2, after: first.next ?? '' }, (one) => one);
  assert.equal(second, { items: ['c', 'd'], next: null });
});

test.run();
