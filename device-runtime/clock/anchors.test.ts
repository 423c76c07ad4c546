import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { anchorDue, anchorMilliseconds, anchorNow } from './anchors.ts';
import { systemClock } from './clock.ts';

const last = { kind: 'anchor', monotonic: 10_000, wall: 1_000_000, uncertainty: 1000 } as const;
const at = (monotonic: number, wall: number) => ({ ...last, monotonic, wall });

test('a steady clock needs no new anchor for an hour', () => {
  assert.not.ok(anchorDue(last, at(20_000, 1_010_000)));
  assert.not.ok(anchorDue(last, at(10_000 + anchorMilliseconds - 1, 1_000_000 + anchorMilliseconds)));
  assert.ok(anchorDue(last, at(10_000 + anchorMilliseconds, 1_000_000 + anchorMilliseconds)));
});

test('a wall clock moved by more than half a second needs one at once, either way', () => {
  assert.not.ok(anchorDue(last, at(20_000, 1_010_500)));
  assert.ok(anchorDue(last, at(20_000, 1_010_501)));
  assert.ok(anchorDue(last, at(20_000, 1_009_499)));
  assert.ok(anchorDue(last, at(20_000, 0)));
});

test("the machine's own clock gives whole, plausible anchors of one boot", () => {
  const clock = systemClock();
  assert.match(clock.boot, /^[0-9a-f]{32}$/);
  const anchor = anchorNow(clock);
  assert.ok([anchor.monotonic, anchor.wall, anchor.uncertainty].every(Number.isInteger));
  assert.ok(clock.monotonic() >= anchor.monotonic - 1);
});

test.run();
