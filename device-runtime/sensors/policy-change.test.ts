import type { Value } from '@loadline/sdk/t24';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SensorConfig } from '../config/index.ts';
import { heard, nan, said, sensor, stage } from './fixtures/sensors.ts';

const test = suite('readings on change');

type Change = Omit<Extract<SensorConfig['send'], { policy: 'change' }>, 'policy'>;

const changing = (options: Change) => stage([sensor({ send: { policy: 'change', ...options } })]);

/** Which of values heard a second apart are given out. */
function given(options: Change, values: readonly (number | Value)[]): number[] {
  const under = changing(options);
  return values.flatMap((value, index) => (under.take(heard(index * 1000, value)).length > 0 ? [index] : []));
}

test('the first is given out, and then what is not the same bit for bit', () => {
  assert.equal(given({}, [1, 1, 2, 2, 1, 0, -0]), [0, 2, 4, 5, 6]);
  assert.equal(
    given({}, [
      { type: 'string', value: 'on' },
      { type: 'string', value: 'on' },
      { type: 'string', value: 'off' },
      { type: 'binary', value: Uint8Array.of(1) },
      { type: 'binary', value: Uint8Array.of(1) },
      { type: 'binary', value: Uint8Array.of(2) },
    ]),
    [0, 2, 3, 5],
  );
});

test('a band is compared with the value given out last, so slow drift is seen', () => {
  assert.equal(given({ band: 1 }, [0, 0.6, 1, 1.2, 2, 2.3]), [0, 3, 5]);
});

test('a band in percent is of the value given out last', () => {
  assert.equal(given({ band_percent: 10 }, [100, 109, 111, 101, 99]), [0, 2, 4]);
  assert.equal(given({ band_percent: 10 }, [-100, -91, -89]), [0, 2]);
});

test('with both bands, either is enough', () => {
  assert.equal(given({ band: 5, band_percent: 10 }, [100, 106, 10, 12]), [0, 1, 2, 3]);
});

test('bands are in the unit of the sensor: the calibrated value counts', () => {
  const under = changing({ band: 1 });
  const calibration = { gain: 0.1, offset: 100 };
  const times = [0, 5, 11].map((value, index) => under.take(heard(index, value, { calibration })).length);
  assert.equal(times, [1, 0, 1]);
});

test('what is given out is the reading as heard, calibration beside it', () => {
  const under = changing({ band: 1 });
  const reading = heard(0, 5, { calibration: { gain: 2, offset: 1 } });
  assert.equal(under.take(reading), [reading]);
});

test('a defect passes the filter every time, and so does the first reading without it', () => {
  assert.equal(given({ band: 10 }, [1, nan, nan, 1, 1]), [0, 1, 2, 3]);
});

test('what its calibration makes infinite is a defect: the next reading passes any band', () => {
  const under = changing({ band_percent: 50 });
  const calibration = { gain: 1e10, offset: 0 };
  const passed = [1, 1e300, 1, 1].map(
    (value, at) => said(under.take(heard(at, value, { calibration }))).length,
  );
  assert.equal(passed, [1, 1, 1, 0]);
});

test('other flags, status or type of value pass the filter, whatever the band and least time', () => {
  const under = changing({ band: 10, min_seconds: 3600 });
  const passed = [
    heard(0, 1),
    heard(1, 1, { status: 0x40 }),
    heard(2, 1, { status: 0x40 }),
    heard(3, 1, { status: 0x40, flags: 0x40 }),
    heard(4, { type: 'int32', value: 1 }, { status: 0x40, flags: 0x40 }),
  ].map((reading) => said(under.take(reading)).length);
  assert.equal(passed, [1, 1, 0, 1, 1]);
});

test('after max_seconds the next reading is given out though nothing changed', () => {
  assert.equal(given({ band: 10, max_seconds: 3 }, [1, 1, 1, 1, 1, 1, 1]), [0, 3, 6]);
});

test('what changes sooner than min_seconds waits, and the newest of it is given out then', () => {
  const under = changing({ min_seconds: 10 });
  assert.equal(said(under.take(heard(0, 1))), ['heard 1 @0']);
  assert.equal(said(under.take(heard(1000, 2))), []);
  assert.equal(said(under.take(heard(2000, 3))), []);
  assert.is(under.nextTick, 10_000);
  assert.equal(said(under.tick(9999)), []);
  assert.equal(said(under.tick(10_000)), ['heard 3 @2000']);
  assert.equal(said(under.take(heard(12_000, 4))), []);
  assert.equal(said(under.take(heard(25_000, 4))), ['heard 4 @12000']);
  assert.equal(under.ledger, { readings: 3, withheld: 2, computed: 0 });
});

test('what has come back within min_seconds is no change', () => {
  const under = changing({ min_seconds: 10 });
  under.take(heard(0, 1));
  under.take(heard(1000, 2));
  assert.equal(said(under.take(heard(2000, 1))), []);
  assert.equal(said(under.tick(10_000)), []);
});

test('what waits is passed over when a later reading passes the filter at once', () => {
  const under = changing({ min_seconds: 10 });
  under.take(heard(0, 1));
  under.take(heard(1000, 2));
  assert.equal(said(under.take(heard(2000, 3, { status: 0x40 }))), ['heard 3 @2000']);
  assert.equal(said(under.tick(20_000)), []);
  assert.equal(said(under.finish(30_000)), []);
});

test('what waits is given out before a defect, and when the gateway stops', () => {
  const under = changing({ min_seconds: 10 });
  under.take(heard(0, 1));
  under.take(heard(1000, 2));
  assert.equal(said(under.take(heard(2000, nan))), ['heard 2 @1000', 'heard nonFinite @2000']);
  under.take(heard(3000, 3));
  under.take(heard(4000, 4));
  assert.equal(said(under.finish(5000)), ['heard 4 @4000']);
});

test.run();
