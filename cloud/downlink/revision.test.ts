import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nextRevision } from './revision.ts';

test('whatever the clock does, every revision sorts after all before it', () => {
  const time = fc.integer({ min: 0, max: 32 ** 9 - 1000 });
  fc.assert(
    fc.property(fc.array(time, { minLength: 2, maxLength: 30 }), (times) => {
      let last: string | undefined;
      for (const now of times) {
        const next = nextRevision(now, last);
        assert.match(next, /^[0-9a-hjkmnp-tv-z]{9}$/);
        if (last !== undefined) assert.ok(next > last, `${next} after ${last}`);
        last = next;
      }
    }),
  );
});

test('a revision says when it was made, and two of one millisecond differ', () => {
  const now = Date.UTC(2026, 10, 22);
  const first = nextRevision(now, undefined);
  assert.is(first, nextRevision(now, nextRevision(now - 5, undefined)));
  assert.is(first.length, 9);
  assert.is.not(nextRevision(now, first), first);
});

test.run();
