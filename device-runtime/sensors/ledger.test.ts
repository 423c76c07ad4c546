import type { Value } from '@loadline/sdk/t24';
import type { Entry, Reading } from '@loadline/sdk/telemetry';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Binder, type Heard } from '../bind/index.ts';
import type { DerivedConfig, SensorConfig } from '../config/index.ts';
import { nan, readingsIn, sensor, stage } from './fixtures/sensors.ts';
import { frameLedger } from './ledger.ts';

const test = suite('the ledger of frames');

const seconds = fc.constantFrom(0.05, 0.4, 1, 7);

const send: fc.Arbitrary<SensorConfig['send']> = fc.oneof(
  fc.constant<SensorConfig['send']>({ policy: 'every' }),
  fc.record(
    {
      policy: fc.constant('change' as const),
      band: fc.double({ min: 0, max: 3, noNaN: true }),
      band_percent: fc.double({ min: 0, max: 100, noNaN: true }),
      min_seconds: seconds,
      max_seconds: seconds,
    },
    { requiredKeys: ['policy'], noNullPrototype: true },
  ),
  fc.record(
    {
      policy: fc.constant('window' as const),
      seconds,
      statistics: fc
        .subarray(['mean', 'min', 'max', 'last'] as const, { minLength: 1 })
        .map((some) => [...some]),
    },
    { noNullPrototype: true },
  ),
);

const sensors = fc.array(send, { minLength: 1, maxLength: 4 }).map((policies) =>
  policies.map((policy, index) =>
    sensor({
      tag: index + 1,
      name: `S${index + 1}`,
      send: policy,
      ...(index % 2 === 0 && { interval_seconds: 0.5, gain: 3, offset: -1 }),
      ...(index === 1 && { overload: { high: 3, hysteresis: 1 } }),
    }),
  ),
);

const value: fc.Arbitrary<Value> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.integer({ min: -5, max: 5 }).map((n): Value => ({ type: 'float32', value: n })),
  },
  fc.constantFrom<Value>(nan, { type: 'none' }, { type: 'string', value: 'on' }),
);

/** One thing that happens: a frame of any kind, or that time passes, a port changes, a series is reset. */
const step = fc.record({
  gap: fc.oneof(fc.nat(50), fc.nat(3000)),
  what: fc.oneof(
    { weight: 12, arbitrary: fc.constant('frame' as const) },
    fc.constantFrom('other', 'tick', 'port', 'reset'),
  ),
  tag: fc.nat(6),
  base: fc.integer({ min: 1, max: 3 }),
  value,
  flags: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.constantFrom(0x20, 0x40, 0x80)),
  status: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.constantFrom(1, 2, 0x10)),
});

const derivedOf = (count: number): DerivedConfig[] => {
  const names = Array.from({ length: count }, (_, index) => `S${index + 1}`);
  const peak = { tag: 0xd001, name: 'Peak', unit: '', kind: 'peak', of: 'S1' } as const;
  const sum = { tag: 0xd002, name: 'Sum', unit: '', kind: 'sum', of: [...names, 'Peak'] } as const;
  return [peak, { ...sum, of: [...sum.of] }];
};

test('adds up at every instant: every frame is a reading, a copy, suppressed or other, once, whatever the policies', () => {
  fc.assert(
    fc.property(sensors, fc.array(step, { maxLength: 120 }), fc.boolean(), (configs, steps, telling) => {
      const binder = new Binder({ sensors: configs, sightings: 2, maxSeries: 2, copyWindow: 40 });
      const under = stage(configs, { derived: derivedOf(configs.length), ports: ['radio'] });
      let now = 0;
      let frames = 0;
      const bound = new Set<Reading>();
      const out: Entry[] = [];
      const check = () => {
        const ledger = frameLedger(binder.ledger, under.ledger);
        assert.is(ledger.frames, frames);
        assert.is(ledger.readings + ledger.copies + ledger.suppressed + ledger.other, frames);
        const readings = readingsIn(out);
        assert.is(ledger.readings, readings.filter(({ aspect }) => aspect === 'heard').length);
        assert.is(ledger.computed, readings.filter(({ aspect }) => aspect !== 'heard').length);
        assert.ok(ledger.withheld >= 0 && ledger.withheld <= ledger.suppressed);
      };
      for (const { gap, what, tag, base, value: heardValue, flags, status } of steps) {
        now += gap;
        if (telling) {
          for (let due = under.nextTick; due !== undefined && due <= now; due = under.nextTick) {
            out.push(...under.tick(due));
          }
        }
        switch (what) {
          case 'frame': {
            frames++;
            const quality = { kind: 'none' } as const;
            const content = {
              kind: 'measurement',
              base,
              tag,
              value: heardValue,
              flags,
              status,
              quality,
            } as const;
            const heard: Heard = { port: 'radio', at: now + 0.5, content };
            const result = binder.bind(heard);
            if (result.kind !== 'reading') break;
            bound.add(result.reading);
            out.push(...under.take(result.reading));
            break;
          }
          case 'other':
            frames++;
            binder.bind({
              port: 'radio',
              at: now,
              content: { kind: 'other', base, packet: Uint8Array.of(7) },
            });
            break;
          case 'tick':
            out.push(...under.tick(now));
            break;
          case 'port':
            under.portChanged('radio', tag % 2 === 0, now);
            break;
          case 'reset':
            out.push(...under.resetDerived(0xd001, now).entries);
            break;
        }
        check();
      }
      out.push(...under.finish(now));
      check();
      const given = readingsIn(out).filter(({ aspect }) => aspect === 'heard');
      assert.is(new Set(given).size, given.length, 'a frame was given out twice');
      for (const reading of given) assert.ok(bound.has(reading), 'a reading that nobody heard');
      // What is wrong is never withheld.
      for (const reading of bound) {
        const wrong =
          reading.value.type === 'nonFinite' || (reading.flags & 0x80) !== 0 || (reading.status & 0x03) !== 0;
        if (wrong) assert.ok(given.includes(reading), 'a defect was withheld');
        const policy = configs[reading.tag - 1]?.send.policy ?? 'every';
        if (policy === 'every') assert.ok(given.includes(reading), 'a reading was withheld without a policy');
      }
      for (const { value: figure, aspect } of readingsIn(out)) {
        if (aspect === 'mean' || aspect === 'min' || aspect === 'max') {
          assert.is(figure.type, 'float64');
        }
      }
      // Times are whole, and never in the future.
      for (const { monotonic } of out) assert.ok(Number.isInteger(monotonic) && monotonic <= now);
    }),
    { numRuns: 300 },
  );
});

test('given windows of one sensor, no two figures of one kind are of one time', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(400), { maxLength: 100 }), (gaps) => {
      const statistics = ['mean', 'max'] as const;
      const under = stage([
        sensor({ send: { policy: 'window', seconds: 0.3, statistics: [...statistics] } }),
      ]);
      let now = 0;
      const out: Entry[] = [];
      for (const gap of gaps) {
        now += gap;
        out.push(...under.take({ ...reading, monotonic: now }));
        if (gap % 3 === 0) out.push(...under.tick(now));
      }
      const keys = readingsIn(out).map(({ aspect, monotonic }) => `${aspect} ${monotonic}`);
      assert.is(new Set(keys).size, keys.length);
    }),
  );
});

const reading: Reading = {
  kind: 'reading',
  port: 'radio',
  base: 1,
  tag: 0x25df,
  aspect: 'heard',
  calibration: undefined,
  monotonic: 0,
  value: { type: 'float32', value: 1 },
  flags: 0,
  status: 0,
  quality: { kind: 'none' },
};

test.run();
