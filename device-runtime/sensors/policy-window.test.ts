import type { Quality } from '@loadline/sdk/telemetry';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SensorConfig } from '../config/index.ts';
import { heard, nan, readingsIn, said, sensor, stage } from './fixtures/sensors.ts';

const test = suite('windows');

type Statistics = Extract<SensorConfig['send'], { policy: 'window' }>['statistics'];
const all: Statistics = ['mean', 'min', 'max', 'last'];

const windowed = (statistics: Statistics = all, seconds = 10) =>
  stage([sensor({ send: { policy: 'window', seconds, statistics } })]);

test('gives mean, min, max and last of a window when time has passed, though nothing more comes', () => {
  const under = windowed();
  for (const [at, value] of [
    [12_000, 1],
    [14_000, 5],
    [19_999, 3],
  ] as const) {
    assert.equal(said(under.take(heard(at, value))), []);
  }
  assert.is(under.nextTick, 20_000);
  assert.equal(said(under.tick(19_999)), []);
  assert.equal(said(under.tick(20_004)), ['mean 3 @20000', 'min 1 @20000', 'max 5 @20000', 'heard 3 @19999']);
  assert.equal(under.ledger, { readings: 1, withheld: 2, computed: 3 });
  assert.is(under.nextTick, undefined);
});

test('a reading past the end closes the window before it opens its own', () => {
  const under = windowed(['mean']);
  under.take(heard(1000, 1));
  assert.equal(said(under.take(heard(10_000, 7))), ['mean 1 @10000']);
  assert.equal(said(under.tick(20_000)), ['mean 7 @20000']);
});

test('windows begin at multiples of their length, whenever the first reading comes', () => {
  const under = windowed(['mean'], 0.25);
  under.take(heard(740, 1));
  assert.is(under.nextTick, 750);
});

test('a window without readings gives nothing', () => {
  const under = windowed();
  under.take(heard(0, 1));
  assert.is(under.tick(10_000).length, 4);
  assert.equal(said(under.tick(20_000)), []);
  assert.equal(said(under.finish(25_000)), []);
});

test('the open window is given out when the gateway stops, at that time', () => {
  const under = windowed(['mean', 'last']);
  under.take(heard(1000, 1));
  assert.equal(said(under.finish(4000.7)), ['mean 1 @4000', 'heard 1 @1000']);
});

test('figures are physical values; the last reading is as it was heard', () => {
  const under = windowed();
  const calibration = { gain: 2, offset: 1 };
  under.take(heard(0, 1, { calibration, base: 3, port: 'mast' }));
  const last = heard(1, 2, { calibration, base: 4, port: 'mast' });
  under.take(last);
  const [mean, min, max, given] = readingsIn(under.tick(10_000));
  const computed = { ...last, calibration: undefined, monotonic: 10_000 };
  assert.equal(mean, { ...computed, aspect: 'mean', value: { type: 'float64', value: 4 } });
  assert.equal(min, { ...computed, aspect: 'min', value: { type: 'float64', value: 3 } });
  assert.equal(max, { ...computed, aspect: 'max', value: { type: 'float64', value: 5 } });
  assert.is(given, last);
});

test('defects pass as heard at once, enter no figure, and show in flags and status', () => {
  const under = windowed(['mean', 'max', 'last']);
  under.take(heard(0, 1, { flags: 0x20 }));
  const defective = [
    heard(1, 100, { flags: 0x80 }),
    heard(2, 200, { status: 0x02 }),
    heard(3, 300, { status: 0x01 }),
  ];
  for (const each of defective) assert.equal(readingsIn(under.take(each)), [each]);
  const [mean, max, last] = readingsIn(under.tick(10_000));
  assert.equal(mean?.value, { type: 'float64', value: 1 });
  assert.equal(max?.value, { type: 'float64', value: 1 });
  assert.is(last?.monotonic, 0);
  assert.equal([mean?.flags, mean?.status], [0xa0, 0x03]);
  assert.equal([last?.flags, last?.status], [0x20, 0]);
  assert.equal(under.ledger, { readings: 4, withheld: 0, computed: 2 });
});

test('a value that is no number marks its window as erroneous, and only its window', () => {
  const under = windowed(['mean']);
  under.take(heard(0, 1));
  assert.equal(said(under.take(heard(1, nan))), ['heard nonFinite @1']);
  assert.is(readingsIn(under.tick(10_000))[0]?.flags, 0x80);
  under.take(heard(11_000, 1));
  assert.is(readingsIn(under.tick(20_000))[0]?.flags, 0);
});

test('a value that its calibration makes infinite is a defect too', () => {
  const under = windowed(['mean']);
  const reading = heard(0, 1e300, { calibration: { gain: 1e300, offset: 0 } });
  assert.equal(readingsIn(under.take(reading)), [reading]);
  assert.equal(said(under.finish(1)), []);
});

test('what is no number at all, text and bytes, passes as heard', () => {
  const under = windowed();
  assert.equal(said(under.take(heard(0, { type: 'string', value: 'door' }))), ['heard door @0']);
  assert.equal(said(under.finish(1)), []);
});

test('the quality of a window is the worst of each part, defects among them', () => {
  const radio = (rssi: number, cv: number): Quality => ({ kind: 'radio', rssi, cv });
  const under = windowed(['mean']);
  const qualityOf = (qualities: readonly Quality[]) => {
    for (const quality of qualities) under.take(heard(0, 1, { quality }));
    return readingsIn(under.finish(1))[0]?.quality;
  };
  // 0x05 is +5 and 0xFB is -5; the top bit of a CV is not part of it.
  assert.equal(qualityOf([radio(0x05, 0x50), radio(0xfb, 0xe8), radio(0x01, 0x60)]), radio(0xfb, 0x50));
  assert.equal(
    qualityOf([
      { kind: 'lqi', percent: 70 },
      { kind: 'lqi', percent: 20 },
    ]),
    {
      kind: 'lqi',
      percent: 20,
    },
  );
  assert.equal(qualityOf([radio(0, 0xe8), radio(0, 0x70)]), radio(0, 0xe8));
  assert.equal(qualityOf([{ kind: 'none' }]), { kind: 'none' });
  under.take(heard(0, nan, { quality: radio(0x80, 1) }));
  assert.equal(qualityOf([radio(0, 100)]), radio(0x80, 1));
});

test('a statistic named twice is given once', () => {
  const under = windowed(['last', 'mean', 'last']);
  under.take(heard(0, 1));
  assert.equal(said(under.finish(1)), ['heard 1 @0', 'mean 1 @1']);
});

test('every figure is that of the readings of its window, whatever they are', () => {
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3000), finite), { minLength: 1, maxLength: 60 }), (steps) => {
      const under = windowed(['mean', 'min', 'max'], 5);
      const expected = new Map<number, number[]>();
      const out = [];
      let at = 0;
      for (const [gap, value] of steps) {
        at += gap;
        const end = (Math.floor(at / 5000) + 1) * 5000;
        expected.set(end, [...(expected.get(end) ?? []), value]);
        out.push(...under.take(heard(at, value)));
      }
      out.push(...under.tick(at + 10_000));
      const given = readingsIn(out).map(({ aspect, monotonic, value }) => ({
        key: `${aspect} @${monotonic}`,
        value: 'value' in value ? (value.value as number) : Number.NaN,
      }));
      assert.is(given.length, expected.size * 3);
      assert.is(new Set(given.map(({ key }) => key)).size, given.length);
      const of = (key: string) => given.find((each) => each.key === key)?.value as number;
      for (const [end, values] of expected) {
        const min = Math.min(...values);
        const max = Math.max(...values);
        assert.is(of(`min @${end}`) + 0, min + 0);
        assert.is(of(`max @${end}`) + 0, max + 0);
        const exact = values.reduce((sum, value) => sum + value / values.length, 0);
        const scale = Math.max(Math.abs(min), Math.abs(max));
        const mean = of(`mean @${end}`);
        assert.ok(mean >= min && mean <= max, `${mean} within ${min}..${max}`);
        assert.ok(
          Math.abs(mean - exact) <= scale * 1e-12 + Number.MIN_VALUE * 100,
          `${mean} is not ${exact}`,
        );
      }
    }),
  );
});

test('the shortest windows do not ask for a tick every millisecond', () => {
  const under = windowed(['mean'], 0.001);
  under.take(heard(100, 1));
  assert.is(under.nextTick, 101);
  assert.equal(said(under.tick(101)), ['mean 1 @101']);
  under.take(heard(102, 1));
  assert.is(under.nextTick, 121);
});

test('all sensors of one length close at one time', () => {
  const send = { policy: 'window', seconds: 1, statistics: ['mean'] } as const;
  const sensors = Array.from({ length: 4096 }, (_, index) =>
    sensor({ tag: index, name: `${index}`, send: { ...send, statistics: ['mean'] } }),
  );
  const under = stage(sensors);
  for (let index = 0; index < 4096; index++) under.take(heard(index / 8, 1, { tag: index }));
  assert.is(under.nextTick, 1000);
  assert.is(under.tick(1000).length, 4096);
});

test.run();
