import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { partAskedFor } from './range.ts';

test('a part that is given lies within the file, whatever was asked for', () => {
  const asked = fc.oneof(
    fc.string(),
    fc.tuple(fc.nat(2000), fc.nat(2000)).map(([a, b]) => `bytes=${a}-${b}`),
    fc.nat(2000).map((a) => `bytes=${a}-`),
    fc.nat(2000).map((a) => `bytes=-${a}`),
  );
  fc.assert(
    fc.property(asked, fc.integer({ min: 1, max: 1000 }), (range, length) => {
      const part = partAskedFor(range, length);
      if (typeof part === 'string') return;
      assert.ok(part.first >= 0 && part.first <= part.last && part.last < length, `${range} of ${length}`);
    }),
  );
});

test('a range is read as HTTP says', () => {
  const cases = [
    ['bytes=0-0', { first: 0, last: 0 }],
    ['bytes=3-', { first: 3, last: 9 }],
    ['bytes=3-99', { first: 3, last: 9 }],
    ['Bytes=-4', { first: 6, last: 9 }],
    ['bytes=-99', { first: 0, last: 9 }],
    ['bytes=10-', 'none'],
    ['bytes=-0', 'none'],
    ['bytes=5-3', 'whole'],
    ['bytes=-', 'whole'],
    ['bytes=0-1,3-4', 'whole'],
    ['bytes=1-2x', 'whole'],
    ['bytes=0x1-2', 'whole'],
    ['lines=1-2', 'whole'],
    ['', 'whole'],
    [undefined, 'whole'],
    [`bytes=${'9'.repeat(400)}-`, 'whole'],
  ] as const;
  for (const [range, expected] of cases) assert.equal(partAskedFor(range, 10), expected, range);
});

test.run();
