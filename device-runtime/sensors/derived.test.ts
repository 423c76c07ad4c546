import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DerivedConfig } from '../config/index.ts';
import { heard, nan, readingsIn, said, sensor, stage } from './fixtures/sensors.ts';

const test = suite('derived series');

const one = sensor({ tag: 1, name: 'One', stale_after_seconds: 10 });
const two = sensor({ tag: 2, name: 'Two', stale_after_seconds: 10 });
const sum: DerivedConfig = { tag: 0xd001, name: 'Sum', unit: 'kN', kind: 'sum', of: ['One', 'Two'] };
const difference: DerivedConfig = { ...sum, tag: 0xd002, name: 'Difference', kind: 'difference' };
const tare: DerivedConfig = { tag: 0xd003, name: 'Net', unit: 'kN', kind: 'tare', of: 'One' };
const peak: DerivedConfig = { tag: 0xd004, name: 'Peak', unit: 'kN', kind: 'peak', of: 'One' };

/** Only what was derived, as `value @time`. */
const derivedIn = (entries: Parameters<typeof said>[0]) =>
  said(entries.filter((entry) => entry.kind === 'reading' && entry.aspect === 'derived')).map((each) =>
    each.slice('derived '.length),
  );

const at = (tag: number, monotonic: number, value: Parameters<typeof heard>[1], options = {}) =>
  heard(monotonic, value, { tag, ...options });

test('a sum and a difference come with every reading of a source, once all sources have a value', () => {
  const under = stage([one, two], { derived: [sum, difference] });
  assert.equal(derivedIn(under.take(at(1, 0, 5))), []);
  assert.equal(derivedIn(under.take(at(2, 1, 3))), ['8 @1', '2 @1']);
  assert.equal(derivedIn(under.take(at(1, 2, 6))), ['9 @2', '3 @2']);
  assert.equal(under.ledger, { readings: 3, withheld: 0, computed: 4 });
});

test('a derived reading is a physical value of no port, with the bits of all its sources', () => {
  const under = stage([one, two], { derived: [sum] });
  under.take(at(1, 0, 5, { calibration: { gain: 2, offset: 1 }, flags: 0x20, status: 0x10 }));
  const [, derived] = readingsIn(under.take(at(2, 7, 3, { flags: 0x40 })));
  assert.equal(derived, {
    kind: 'reading',
    port: 'derived',
    base: 0,
    tag: 0xd001,
    aspect: 'derived',
    calibration: undefined,
    monotonic: 7,
    value: { type: 'float64', value: 14 },
    flags: 0x60,
    status: 0x10,
    quality: { kind: 'none' },
  });
});

test('a source with a defect ends it with one reading that is no number, until all are good again', () => {
  for (const bad of [at(1, 2, nan), at(1, 2, 5, { status: 2 }), at(1, 2, 5, { flags: 0x80 })]) {
    const under = stage([one, two], { derived: [sum] });
    under.take(at(1, 0, 5));
    under.take(at(2, 1, 3));
    const [, derived] = readingsIn(under.take(bad));
    assert.equal(derived?.value, { type: 'nonFinite', bits: 0x7fc00000 });
    assert.equal([derived?.flags, derived?.status], [bad.flags, bad.status]);
    assert.equal(derivedIn(under.take(at(2, 3, 4))), []);
    assert.equal(derivedIn(under.take({ ...bad, monotonic: 4 })), []);
    assert.equal(derivedIn(under.take(at(1, 5, 1))), ['5 @5']);
  }
});

test('so does a stale source, when it becomes stale, and a closed port makes it stale like silence', () => {
  const under = stage([one, two], { derived: [sum], ports: ['radio'] });
  under.portChanged('radio', true, 0);
  under.take(at(1, 0, 5));
  under.take(at(2, 1, 3));
  under.portChanged('radio', false, 2);
  assert.is(under.nextTick, 10_000);
  assert.equal(derivedIn(under.tick(10_000)), ['nonFinite @10000']);
  assert.equal(derivedIn(under.take(at(1, 10_001, 5))), []);
  assert.equal(derivedIn(under.take(at(2, 10_002, 5))), ['10 @10002']);
});

test('a number is never of a source that has none, whatever comes in whatever order', () => {
  const step = fc.record({
    gap: fc.oneof(fc.nat(100), fc.nat(12_000)),
    tag: fc.integer({ min: 1, max: 2 }),
    value: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: -9, max: 9 }) }, fc.constant(nan)),
    status: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.constantFrom(1, 2)),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const under = stage([one, two], { derived: [sum] });
      const newest = new Map<number, { value: number; at: number }>();
      const expectedAt = (now: number) => {
        const fresh = [...newest.values()].filter(
          ({ value, at: then }) => !Number.isNaN(value) && now - then < 10_000,
        );
        return fresh.length < 2 ? 'nonFinite' : String(fresh.reduce((total, { value }) => total + value, 0));
      };
      let now = 0;
      let last = 'nonFinite';
      const check = (shown: string[], expected: string, time: number) => {
        assert.equal(shown, expected === 'nonFinite' && last === 'nonFinite' ? [] : [`${expected} @${time}`]);
        last = expected;
      };
      for (const { gap, tag, value, status } of steps) {
        for (let due = under.nextTick; due !== undefined && due <= now + gap; due = under.nextTick) {
          const shown = derivedIn(under.tick(due));
          if (shown.length > 0) check(shown, expectedAt(due), due);
        }
        now += gap;
        newest.set(tag, { value: typeof value === 'number' && status === 0 ? value : Number.NaN, at: now });
        check(derivedIn(under.take(at(tag, now, value, { status }))), expectedAt(now), now);
      }
    }),
  );
});

test('a sum that is too large for a number is none', () => {
  const under = stage([one, two], { derived: [sum] });
  under.take(at(1, 0, 1));
  under.take(at(2, 1, 1e308));
  assert.equal(derivedIn(under.take(at(1, 2, 1.7e308))), ['nonFinite @2']);
});

test('a series can be derived from series further up, and from those above in one step', () => {
  const peakOfSum: DerivedConfig = { ...peak, tag: 0xd005, name: 'Peak of sum', of: 'Sum' };
  const under = stage([one, two], { derived: [sum, peakOfSum] });
  under.take(at(1, 0, 5));
  assert.equal(derivedIn(under.take(at(2, 1, 3))), ['8 @1', '8 @1']);
  assert.equal(derivedIn(under.take(at(1, 2, 1))), ['4 @2', '8 @2']);
  assert.equal(derivedIn(under.take(at(1, 3, nan))), ['nonFinite @3', 'nonFinite @3']);
  assert.throws(() => stage([one, two], { derived: [peakOfSum, sum] }), /"Sum", which is neither/);
});

test('a derived series is as talkative as the policies of its sources, and yet sees every reading', () => {
  const send = { policy: 'window' as const, seconds: 10, statistics: ['mean' as const] };
  const under = stage([{ ...one, send }], { derived: [peak] });
  for (const [time, value] of [
    [0, 1],
    [1, 9],
    [2, 3],
  ] as const) {
    assert.equal(derivedIn(under.take(at(1, time, value))), []);
  }
  assert.equal(derivedIn(under.tick(10_000)), ['9 @10000']);
});

test('what one sensor gave out does not make another talkative', () => {
  const send = { policy: 'window' as const, seconds: 100, statistics: ['mean' as const] };
  const all: DerivedConfig = { ...sum, tag: 0xd007, name: 'All', of: ['Net', 'Two'] };
  const under = stage([one, { ...two, send }], { derived: [tare, all] });
  under.take(at(1, 0, 1));
  assert.equal(derivedIn(under.take(at(2, 1, 2))), []);
  assert.equal(derivedIn(under.take(at(1, 2, 1))), ['1 @2', '3 @2']);
  assert.equal(derivedIn(under.take(at(2, 3, 2))), []);
});

test('a series that is of one sensor in two ways is given out once', () => {
  const twice: DerivedConfig = { ...sum, of: ['One', 'Peak'] };
  const under = stage([one], { derived: [peak, twice] });
  assert.equal(derivedIn(under.take(at(1, 0, 4))), ['4 @0', '8 @0']);
});

test('a source that is stale is not reckoned with, though nobody has called `tick`', () => {
  const three = sensor({ tag: 3, name: 'Three', stale_after_seconds: 100 });
  const all: DerivedConfig = { ...sum, tag: 0xd007, name: 'All', of: ['Net', 'Three'] };
  const under = stage([one, three], { derived: [tare, all] });
  under.take(at(1, 0, 1));
  assert.equal(derivedIn(under.take(at(3, 1, 2))), ['3 @1']);
  assert.equal(derivedIn(under.take(at(3, 10_000, 2))), ['nonFinite @10000', 'nonFinite @10000']);
});

test('windows of all sources that close together give one derived reading', () => {
  const send = { policy: 'window' as const, seconds: 5, statistics: ['mean' as const, 'max' as const] };
  const under = stage(
    [
      { ...one, send },
      { ...two, send },
    ],
    { derived: [sum, peak] },
  );
  under.take(at(1, 0, 9));
  under.take(at(1, 1, 1));
  under.take(at(2, 2, 2));
  assert.equal(derivedIn(under.tick(5000)), ['3 @5000', '9 @5000']);
});

test('a tare shows the value itself until it is reset, and then what was added since', () => {
  const under = stage([one], { derived: [tare] });
  assert.equal(derivedIn(under.take(at(1, 0, 5))), ['5 @0']);
  const { outcome, entries } = under.resetDerived(0xd003, 1);
  assert.is(outcome, 'reset');
  assert.equal(derivedIn(entries), ['0 @1']);
  assert.equal(derivedIn(under.take(at(1, 2, 7))), ['2 @2']);
});

test('a peak holds the highest value, and begins anew with the present one when it is reset', () => {
  const onPeak: DerivedConfig = { ...tare, tag: 0xd006, name: 'On peak', of: 'Peak' };
  const under = stage([one], { derived: [peak, onPeak] });
  const shown = [5, 7, 3].flatMap((value, index) => derivedIn(under.take(at(1, index, value))));
  assert.equal(shown, ['5 @0', '5 @0', '7 @1', '7 @1', '7 @2', '7 @2']);
  assert.equal(derivedIn(under.resetDerived(0xd004, 3).entries), ['3 @3', '3 @3']);
  assert.equal(derivedIn(under.take(at(1, 4, 2))), ['3 @4', '3 @4']);
});

test('a reset says why it cannot be, and changes nothing then', () => {
  const under = stage([one, two], { derived: [sum, tare] });
  const reset = (tag: number) => under.resetDerived(tag, 20_000).outcome;
  assert.is(reset(0xd003), 'no-value');
  under.take(at(1, 0, 5));
  assert.is(reset(0xd003), 'no-value');
  assert.is(reset(0xd001), 'not-resettable');
  assert.is(reset(1), 'no-such-series');
  assert.is(under.stateRevision, 0);
});

test('zero and peak survive a restart, and say when they have changed', () => {
  const first = stage([one], { derived: [tare, peak] });
  const revisions = [first.stateRevision];
  const note = () => revisions.push(first.stateRevision);
  first.take(at(1, 0, 5));
  note();
  first.take(at(1, 1, 4));
  note();
  first.resetDerived(0xd003, 2);
  note();
  assert.equal(revisions, [0, 1, 1, 2]);
  const kept = JSON.parse(JSON.stringify(first.state));
  const second = stage([one], { derived: [tare, peak], restored: kept });
  assert.equal(derivedIn(second.take(at(1, 0, 4.5))), ['0.5 @0', '5 @0']);
});

test('what is kept of a series outlives a configuration without it: one that was only tried costs no zero', () => {
  const first = stage([one], { derived: [tare, peak] });
  first.take(at(1, 0, 5));
  first.resetDerived(0xd003, 1);
  const tried = stage([{ ...one, gain: 2 }], { derived: [tare], restored: first.state });
  tried.take(at(1, 2, 6));
  tried.resetDerived(0xd003, 3);
  const back = stage([one], { derived: [tare, peak], restored: JSON.parse(JSON.stringify(tried.state)) });
  assert.equal(derivedIn(back.take(at(1, 4, 4))), ['-1 @4', '5 @4']);
});

test('what is kept of series that are no more is bounded', () => {
  let state: unknown;
  for (let gain = 2; gain < 600; gain++) {
    const under = stage([{ ...one, gain }], { derived: [peak], restored: state });
    under.take(at(1, 0, 1));
    state = under.state;
  }
  assert.is((state as { series: unknown[] }).series.length, 257);
});

test('what is not of this series any more is not restored: kind, source or calibration', () => {
  const first = stage([one, two], { derived: [peak] });
  first.take(at(1, 0, 100));
  const restored = first.state;
  const shown = (sensors: (typeof one)[], derived: DerivedConfig, state: unknown) =>
    derivedIn(stage(sensors, { derived: [derived], restored: state }).take(at(1, 0, 1)));
  assert.equal(shown([one], peak, restored), ['100 @0']);
  assert.equal(shown([{ ...one, name: 'New name' }], { ...peak, of: 'New name' }, restored), ['100 @0']);
  assert.equal(shown([{ ...one, gain: 2 }], peak, restored), ['1 @0']);
  assert.equal(shown([one], { ...peak, kind: 'tare' }, restored), ['1 @0']);
  assert.equal(shown([one], { ...peak, tag: 0xd009 }, restored), ['1 @0']);
  for (const damaged of [undefined, null, 7, {}, { version: 1, series: [{ tag: 0xd004 }] }]) {
    assert.equal(shown([one], peak, damaged), ['1 @0']);
  }
});

test.run();
