import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { timelineFor, wallSpan, wallTime } from './timeline.ts';

const anchors = fc
  .uniqueArray(fc.record({ monotonic: fc.nat(1000), wall: fc.nat(5000) }), {
    minLength: 1,
    maxLength: 8,
    selector: ({ monotonic }) => monotonic,
  })
  .map((points) => points.sort((a, b) => a.monotonic - b.monotonic));

test('the part of the anchors that a span needs tells the same time within it as all of them', async () => {
  await fc.assert(
    fc.property(anchors, fc.nat(1000), fc.nat(300), (all, from, length) => {
      const part = timelineFor(all, from, from + length);
      assert.ok(part);
      for (let at = from; at <= from + length; at++) assert.is(wallTime(part, at), wallTime(all, at));
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

test('before the first anchor its rate is taken backwards', () => {
  assert.is(wallTime([{ monotonic: 100, wall: 5000 }], 40), 4940);
});

test.run();
