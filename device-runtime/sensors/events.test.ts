import { limits } from '@loadline/sdk/contract';
import type { Entry } from '@loadline/sdk/telemetry';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { eventsIn, heard, nan, readingsIn, sensor, stage } from './fixtures/sensors.ts';

const test = suite("sensors' events");

/** Calls `tick` whenever it wants to be called, up to a time. */
function elapse(under: ReturnType<typeof stage>, to: number): Entry[] {
  const entries: Entry[] = [];
  for (let due = under.nextTick; due !== undefined && due <= to; due = under.nextTick) {
    entries.push(...under.tick(due));
  }
  return entries;
}

test('a sensor is stale after three intervals, and has returned with its next frame', () => {
  const under = stage([sensor({ interval_seconds: 2 })]);
  under.take(heard(1000, 1));
  assert.equal(eventsIn(elapse(under, 6999)), []);
  const [event] = elapse(under, 7000);
  assert.equal(event, {
    kind: 'event',
    monotonic: 7000,
    code: 'sensor-stale',
    subject: '25DF',
    detail: 'Load: nothing heard for 6 s',
  });
  assert.equal(elapse(under, 1_000_000), []);
  assert.equal(eventsIn(under.take(heard(1_001_000, 1))), ['sensor-returned Load: heard again after 1000 s']);
});

test('the silence that makes it stale can be configured, without an interval too', () => {
  const under = stage([sensor({ stale_after_seconds: 5 }), sensor({ tag: 1, name: 'Other' })]);
  under.take(heard(0, 1));
  under.take(heard(0, 1, { tag: 1 }));
  assert.equal(eventsIn(elapse(under, 1e9)), ['sensor-stale Load: nothing heard for 5 s']);
});

test('a sensor that was never heard becomes stale too', () => {
  const under = stage([sensor({ interval_seconds: 2 })], { startedAt: 500 });
  const entries = elapse(under, 1e9);
  assert.equal(eventsIn(entries), ['sensor-stale Load: not heard since the start']);
  assert.is(entries[0]?.monotonic, 6500);
  assert.equal(eventsIn(under.take(heard(1_000_001, 1))), ['sensor-returned Load: heard for the first time']);
});

test('silence counts only while the port a sensor was heard by is open', () => {
  const under = stage([sensor({ interval_seconds: 1 })], { ports: ['radio', 'mast'] });
  under.portChanged('radio', true, 0);
  under.portChanged('mast', true, 0);
  under.take(heard(1000, 1));
  under.portChanged('radio', false, 2000);
  assert.equal(eventsIn(elapse(under, 100_000)), []);
  under.portChanged('radio', true, 100_000);
  // The port opens again: said twice, it is not open since later.
  under.portChanged('radio', true, 102_000);
  assert.equal(eventsIn(elapse(under, 102_999)), []);
  assert.equal(eventsIn(elapse(under, 103_000)), ['sensor-stale Load: nothing heard for 102 s']);
});

test('the loss of another port does not excuse a sensor', () => {
  const under = stage([sensor({ interval_seconds: 1 })], { ports: ['radio', 'mast'] });
  under.portChanged('radio', true, 0);
  under.portChanged('mast', true, 0);
  under.take(heard(1000, 1));
  under.portChanged('mast', false, 2000);
  assert.equal(eventsIn(elapse(under, 4000)).length, 1);
});

test('a sensor never heard is waited for while a port is closed: it may be heard there', () => {
  const under = stage([sensor({ interval_seconds: 1 })], { ports: ['radio', 'mast'] });
  under.portChanged('radio', true, 0);
  assert.equal(eventsIn(elapse(under, 100_000)), []);
  under.portChanged('mast', true, 100_000);
  assert.equal(eventsIn(elapse(under, 102_999)), []);
  assert.equal(eventsIn(elapse(under, 103_000)).length, 1);
});

test('an overload begins past a limit and ends only inside it by the hysteresis', () => {
  const under = stage([sensor({ overload: { low: -5, high: 10, hysteresis: 2 } })]);
  const values = [10, 10.5, 9, 8.1, 8, -5, -6, -4, -3];
  const events = values.flatMap((value, index) => eventsIn(under.take(heard(index * 100_000, value))));
  assert.equal(events, [
    'sensor-overload Load: 10.5 kN is above the limit of 10 kN',
    'sensor-within-limits Load: 8 kN is within the limits',
    'sensor-overload Load: -6 kN is below the limit of -5 kN',
    'sensor-within-limits Load: -3 kN is within the limits',
  ]);
});

test('limits are in the unit of the sensor, and judged at every reading whatever the policy', () => {
  const send = { policy: 'window', seconds: 3600, statistics: ['mean'] } as const;
  const under = stage([
    sensor({ overload: { high: 10, hysteresis: 0 }, send: { ...send, statistics: ['mean'] } }),
  ]);
  const calibration = { gain: 10, offset: 1 };
  assert.equal(eventsIn(under.take(heard(0, 0.9, { calibration }))), []);
  assert.equal(eventsIn(under.take(heard(1, 1, { calibration }))).length, 1);
});

test('a reading with a defect is no overload, and none that ends', () => {
  const under = stage([sensor({ overload: { high: 10, hysteresis: 0 } })]);
  const codes = [heard(0, 99, { status: 1 }), heard(1, 11), heard(100_000, 5, { status: 1 })].map(
    (reading) => eventsIn(under.take(reading)).length,
  );
  assert.equal(codes, [0, 1, 0]);
});

test('bad quality is said with its reasons, and that it is over; shunt calibration is not bad quality', () => {
  const under = stage([sensor({ profile: 'acquisition' })]);
  assert.equal(eventsIn(under.take(heard(0, 1, { status: 0x01 }))), []);
  assert.equal(eventsIn(under.take(heard(1, nan, { flags: 0x80, status: 0x42 }))), [
    'sensor-bad-quality Load: error, integrity error, no number, digital input (flags 0x80, status 0x42)',
  ]);
  assert.equal(eventsIn(under.take(heard(2, 1, { status: 0x02 }))), []);
  assert.equal(eventsIn(under.take(heard(100_000, 1))), [
    'sensor-quality-restored Load: readings are good again',
  ]);
});

test('a low battery is said once, by the flag on any module, by the status bit on acquisition modules', () => {
  const flagged = heard(0, 1, { flags: 0x40 });
  const status = heard(0, 1, { status: 0x20 });
  const low = ['sensor-battery-low Load: the battery of the transmitter is low'];
  const plain = stage([sensor()]);
  assert.equal(eventsIn(plain.take(status)), []);
  assert.equal(eventsIn(plain.take(flagged)), low);
  assert.equal(eventsIn(plain.take({ ...flagged, monotonic: 30 * 3_600_000 })), []);
  const acquisition = stage([sensor({ profile: 'acquisition' })]);
  assert.equal(eventsIn(acquisition.take(status)), low);
});

test('a battery on the edge is said every six hours at most', () => {
  const under = stage([sensor()]);
  const events: Entry[] = [];
  for (let minute = 0; minute < 24 * 60; minute++) {
    events.push(...under.take(heard(minute * 60_000, 1, { flags: minute % 2 === 0 ? 0x40 : 0 })));
    events.push(...elapse(under, minute * 60_000));
  }
  assert.is(eventsIn(events).length, 4);
});

test('a sensor that flaps with every frame makes two events a minute of each kind, and not more', () => {
  const under = stage([sensor({ overload: { high: 10, hysteresis: 0 } })]);
  const entries: Entry[] = [];
  for (let at = 0; at < 600_000; at += 100) {
    const bad = (at / 100) % 2 === 0;
    entries.push(...under.take(heard(at, bad ? 11 : 1, {})), ...elapse(under, at));
  }
  const events = eventsIn(entries);
  assert.ok(events.length <= 20, `${events.length} events`);
  assert.ok(events.some((event) => event.includes('times of late')) || events.length >= 10);
  assert.is(readingsIn(entries).length, 6000);
});

test('what is still to be told is told when the gateway stops', () => {
  const under = stage([sensor({ overload: { high: 10, hysteresis: 0 } })]);
  under.take(heard(0, 11));
  under.take(heard(1, 9));
  assert.equal(eventsIn(under.finish(2)), ['sensor-within-limits Load: 9 kN is within the limits']);
});

test('a detail fits a batch, whatever the name and unit', () => {
  for (const name of ['\u{1F3D7}'.repeat(50), 'ü'.repeat(100), `a${'\u{1F3D7}'.repeat(49)}`]) {
    const under = stage([
      sensor({
        name,
        unit: '\u{1F3D7}'.repeat(10),
        overload: { low: -1.23456e-100, high: -1.23456e-101, hysteresis: 0 },
      }),
    ]);
    const [event] = under.take(heard(0, -1.23456e100)).filter(({ kind }) => kind === 'event');
    const detail = event?.kind === 'event' ? event.detail : '';
    const bytes = Buffer.byteLength(detail);
    assert.ok(bytes > 200 && bytes <= limits.eventDetailBytes, `${bytes} bytes`);
    assert.is(detail.isWellFormed() && !detail.includes('\uFFFD'), true);
  }
});

test('a reading of a tag nobody configured passes as it is, without any event', () => {
  const under = stage([sensor()]);
  const reading = heard(0, nan, { tag: 7, flags: 0xc0, status: 0xff });
  assert.equal(under.take(reading), [reading]);
  assert.equal(under.ledger, { readings: 1, withheld: 0, computed: 0 });
});

test.run();
