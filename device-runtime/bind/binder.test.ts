import type { Value } from '@loadline/sdk/t24';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Binder, type BinderOptions } from './binder.ts';
import type { Heard } from './frame.ts';

const test = suite('binding');

const plain = { gain: 1, offset: 0 };
const defaults: BinderOptions = {
  sensors: [{ tag: 0x25df, ...plain }],
  sightings: 3,
  maxSeries: 2,
  copyWindow: 0,
};

/** A measurement of tag 25DF heard by base station 1 at `radio` unless told otherwise. */
function frame(
  options: { tag?: number; value?: Value; base?: number; port?: string; at?: number } = {},
): Heard {
  const { tag = 0x25df, value = { type: 'float32', value: 1.5 }, base = 1, port = 'radio', at = 0 } = options;
  const quality = { kind: 'radio', rssi: 0xfb, cv: 0xe8 } as const;
  return { port, at, content: { kind: 'measurement', base, tag, value, flags: 0, status: 0x1c, quality } };
}

const kinds = (binder: Binder, heard: readonly Heard[]) => heard.map((each) => binder.bind(each).kind);

test('makes a reading of a measurement, every field as it came', () => {
  const bound = new Binder(defaults).bind({
    port: 'ascii',
    at: 1234.9,
    content: {
      kind: 'measurement',
      base: 0,
      tag: 0x25df,
      value: { type: 'float64', value: 123.156 },
      flags: 0x40,
      status: 0x02,
      quality: { kind: 'lqi', percent: 97 },
    },
  });
  assert.equal(bound, {
    kind: 'reading',
    reading: {
      kind: 'reading',
      port: 'ascii',
      base: 0,
      tag: 0x25df,
      aspect: 'heard',
      calibration: undefined,
      monotonic: 1234,
      value: { type: 'float64', value: 123.156 },
      flags: 0x40,
      status: 0x02,
      quality: { kind: 'lqi', percent: 97 },
    },
  });
});

test("carries a sensor's calibration beside the value as heard, and none for tags nobody configured", () => {
  const sensors = [{ tag: 0x25df, gain: 2, offset: -1 }];
  const binder = new Binder({ ...defaults, sensors, sightings: 1 });
  const readings = [frame(), frame({ tag: 7 })].map((each) => {
    const bound = binder.bind(each);
    return bound.kind === 'reading' ? bound.reading : undefined;
  });
  assert.equal(
    readings.map((reading) => reading?.calibration),
    [{ gain: 2, offset: -1 }, undefined],
  );
  assert.equal(readings[0]?.value, { type: 'float32', value: 1.5 });
});

test('takes a value that is no number as a reading, with its bits', () => {
  const value = { type: 'nonFinite', bits: 0x7fc0_0001 } as const;
  const bound = new Binder(defaults).bind(frame({ value }));
  assert.equal(bound.kind === 'reading' && bound.reading.value, value);
});

test('counts an unconfigured tag from its third frame on, and only so many of them', () => {
  const binder = new Binder(defaults);
  assert.equal(
    kinds(
      binder,
      [1, 1, 2, 1, 2, 2, 1].map((tag) => frame({ tag })),
    ),
    ['suppressed', 'suppressed', 'suppressed', 'reading', 'suppressed', 'reading', 'reading'],
  );
  assert.equal(kinds(binder, Array(5).fill(frame({ tag: 3 }))), Array(5).fill('suppressed'));
  assert.equal(kinds(binder, [frame(), frame({ tag: 2 })]), ['reading', 'reading']);
});

test('makes a series of a tag at its first frame where one sighting is enough', () => {
  assert.equal(kinds(new Binder({ ...defaults, sightings: 1 }), [frame({ tag: 9 })]), ['reading']);
});

test('forgets tags heard once when noise brings ever new ones', () => {
  const binder = new Binder(defaults);
  for (let tag = 0x1000; tag < 0x1000 + 5000; tag++) binder.bind(frame({ tag }));
  assert.equal(kinds(binder, [frame({ tag: 0x1000 }), frame({ tag: 0x1000 })]), ['suppressed', 'suppressed']);
  assert.equal(kinds(binder, [frame({ tag: 0x1000 })]), ['reading']);
});

test('takes equal frames of several base stations as copies, one each, within the window', () => {
  const binder = new Binder({ ...defaults, copyWindow: 100 });
  assert.equal(
    kinds(binder, [
      frame({ base: 1, at: 0 }),
      frame({ base: 2, at: 5 }),
      frame({ base: 1, port: 'other', at: 6 }),
      frame({ base: 2, at: 10 }),
      frame({ base: 1, at: 11 }),
      frame({ base: 3, at: 95 }),
      frame({ base: 3, at: 200 }),
    ]),
    ['reading', 'copy', 'copy', 'reading', 'copy', 'copy', 'reading'],
  );
});

test('never takes equal frames of one base station as copies', () => {
  const binder = new Binder({ ...defaults, copyWindow: 1000 });
  assert.equal(kinds(binder, Array(10).fill(frame())), Array(10).fill('reading'));
});

test('takes frames that differ in tag, value or bits as different', () => {
  const binder = new Binder({
    ...defaults,
    sensors: [0x25df, 0x25e0].map((tag) => ({ tag, ...plain })),
    copyWindow: 1000,
  });
  const float = (value: number): Value => ({ type: 'float32', value });
  assert.equal(
    kinds(binder, [
      frame({ base: 1, value: float(0) }),
      frame({ base: 2, value: float(-0) }),
      frame({ base: 3, tag: 0x25e0, value: float(0) }),
      frame({ base: 4, value: { type: 'binary', value: Uint8Array.of(1, 2) } }),
      frame({ base: 5, value: { type: 'binary', value: Uint8Array.of(1, 3) } }),
      frame({ base: 6, value: { type: 'binary', value: Uint8Array.of(1, 2) } }),
    ]),
    ['reading', 'reading', 'reading', 'reading', 'reading', 'copy'],
  );
});

test('is off by default: the same frame of two base stations is two readings', () => {
  assert.equal(kinds(new Binder(defaults), [frame({ base: 1 }), frame({ base: 2 })]), ['reading', 'reading']);
});

test('accounts for every frame: readings, copies, suppressed and other', () => {
  const binder = new Binder({ ...defaults, copyWindow: 100 });
  binder.bind(frame({ base: 1 }));
  binder.bind(frame({ base: 2 }));
  binder.bind(frame({ tag: 7 }));
  const content = { kind: 'other', base: 1, packet: Uint8Array.of(0x1f, 1, 2, 3) } as const;
  assert.is(binder.bind({ port: 'radio', at: 0, content }).kind, 'other');
  assert.equal(binder.ledger, { frames: 4, readings: 1, copies: 1, suppressed: 1, other: 1 });
});

test.run();
