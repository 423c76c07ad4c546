import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseWindow } from '../config/index.ts';
import { gateOf, isWithin } from './window.ts';

const test = suite('maintenance window');

const at = (clock: string): number => Date.parse(`2026-11-22T${clock}Z`);

test('is read as it is written, and nothing else is', () => {
  assert.equal(parseWindow('02:00-04:30'), { from: 120, to: 270 });
  assert.equal(parseWindow('23:00-01:00'), { from: 1380, to: 60 });
  for (const text of ['', '2:00-4:00', '02:00-24:00', '02:60-03:00', '02:00 - 04:00', '02:00-02:00', '02:00'])
    assert.is(parseWindow(text), undefined, text);
});

test('begins with its first minute and ends before its last', () => {
  const window = { from: 120, to: 240 };
  assert.equal(
    ['01:59:59', '02:00:00', '03:59:59', '04:00:00'].map((clock) => isWithin(window, at(clock))),
    [false, true, true, false],
  );
});

test('goes over midnight', () => {
  const window = { from: 1380, to: 60 };
  assert.equal(
    ['22:59:59', '23:00:00', '23:59:59', '00:00:00', '00:59:59', '01:00:00'].map((clock) =>
      isWithin(window, at(clock)),
    ),
    [false, true, true, true, true, false],
  );
});

test('and the one from its end to its beginning share every day between them', () => {
  const minute = fc.integer({ min: 0, max: 1439 });
  fc.assert(
    fc.property(minute, minute, fc.integer({ min: 0, max: 4e12 }), (from, to, wall) => {
      fc.pre(from !== to);
      assert.is.not(isWithin({ from, to }, wall), isWithin({ from: to, to: from }, wall));
    }),
  );
});

test('opens by a time that somebody vouches for, and by no other', () => {
  const terms = { enabled: true, window: { from: 120, to: 240 } };
  const known = (clock: string) => ({ kind: 'known', by: 'cloud', wall: at(clock), uncertainty: 1 }) as const;
  assert.is(gateOf(terms, known('03:00:00')).open, true);
  assert.equal(gateOf(terms, known('05:00:00')), {
    open: false,
    why: 'its maintenance window is 02:00 to 04:00 UTC',
  });
  assert.equal(gateOf(terms, { kind: 'at-least', wall: at('03:00:00') }), {
    open: false,
    why: 'nobody vouches for the time yet: neither a time server (NTP, UDP port 123) nor the cloud has told it',
  });
  assert.is(gateOf({ enabled: true, window: undefined }, known('05:00:00')).open, true);
  assert.is(gateOf({ ...terms, enabled: false }, known('03:00:00')).open, false);
});

test.run();
