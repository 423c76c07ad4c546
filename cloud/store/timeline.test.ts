import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { wallSpan, wallTime } from './timeline.ts';

const anchors = fc
  .uniqueArray(fc.record({ monotonic: fc.nat(1000), wall: fc.nat(5000) }), {
    minLength: 1,
    maxLength: 8,
    selector: ({ monotonic }) => monotonic,
  })
  .map((points) => points.sort((a, b) => a.monotonic - b.monotonic));

test('a time is told by the last anchor before it, and before all by the first', async () => {
  await fc.assert(
    fc.property(anchors, fc.nat(1200), (all, at) => {
      const anchor = all.filter(({ monotonic }) => monotonic <= at).at(-1) ?? all[0];
      assert.is(wallTime(all, at), (anchor?.wall ?? 0) + at - (anchor?.monotonic ?? 0));
    }),
  );
});

test('every time of a span lies within its wall span, however the clock was set', async () => {
  await fc.assert(
    fc.property(anchors, fc.nat(1000), fc.nat(300), (all, from, length) => {
      const { first, last } = wallSpan(all, from, from + length);
      for (let at = from; at <= from + length; at++) {
        const wall = wallTime(all, at);
        assert.ok(first <= wall && wall <= last, `${first} <= ${wall} <= ${last}`);
      }
    }),
  );
});

test.run();
