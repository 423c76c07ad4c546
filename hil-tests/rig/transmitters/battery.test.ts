import { packetFlags, statusBits } from '@loadline/sdk/t24';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadTransmitter, pulseTransmitter, VirtualBattery } from './index.ts';

const test = suite('batteries of simulated modules');

const hour = 3600;

test('its voltage falls all the way from fresh to flat, and stays there', () => {
  const battery = new VirtualBattery({ milliampHours: 100 });
  assert.is(battery.volts, 3.1);
  let before = battery.volts;
  for (let step = 0; step < 99; step++) {
    battery.drain(100, 36_000);
    assert.ok(battery.volts < before);
    before = battery.volts;
  }
  assert.is(battery.state, 'low');
  battery.drain(100, 72_000);
  assert.equal([battery.state, battery.used, Math.round(battery.volts * 10)], ['flat', 1, 21]);
  battery.become('good');
  assert.is(battery.state, 'good');
  battery.become('low');
  assert.is(battery.state, 'low');
  assert.ok(Math.abs(battery.volts - 2.3) < 1e-9 && battery.used < 1);
});

test('a module awake all the time warns in flag and status after hours, then goes silent', () => {
  // 58.6 mA awake, with its bridge: 100 mAh last an hour and 42 minutes.
  const load = loadTransmitter({ tag: 1, battery: { milliampHours: 100 } });
  let lowAt = 0;
  let silentAt = 0;
  for (let second = 1; second <= 2 * hour && silentAt === 0; second++) {
    const [packet] = load.broadcast();
    if (packet === undefined) {
      silentAt = second;
      break;
    }
    const isLow = (packet.flags & packetFlags.batteryLow) !== 0;
    assert.is((packet.status & statusBits.batteryLow) !== 0, isLow);
    if (isLow && lowAt === 0) lowAt = second;
    assert.ok(isLow || lowAt === 0, 'once low, it stays low');
  }
  const bridge = (5000 / 350) * 2;
  const life = (100 / (30 + bridge)) * hour;
  assert.ok(Math.abs(silentAt - life) < 5, `silent after ${silentAt} s`);
  assert.ok(Math.abs(lowAt - 0.85 * life) < 5, `low after ${lowAt} s`);
  assert.is(load.mode, 'flat');
  load.setBattery('good');
  assert.is(load.mode, 'running');
  assert.is(load.broadcast().length, 1);
});

test('low power makes it last fifty times as long, and sleep longer still', () => {
  const used = (make: () => { broadcast(): unknown; battery: VirtualBattery }) => {
    const module = make();
    for (let second = 0; second < hour; second++) module.broadcast();
    return module.battery.used;
  };
  const battery = { milliampHours: 1000 };
  const awake = used(() => loadTransmitter({ tag: 1, battery }));
  const lowPower = used(() => loadTransmitter({ tag: 1, battery, betweenBroadcasts: 'asleep' }));
  const asleep = used(() => {
    const load = loadTransmitter({ tag: 1, battery });
    load.setMode('asleep');
    return load;
  });
  assert.ok(awake / lowPower > 45 && awake / lowPower < 60, `${awake / lowPower}`);
  assert.ok(asleep < lowPower / 10);
});

test('what is supplied from outside lasts for ever, unless a test says otherwise', () => {
  const pulse = pulseTransmitter({ tag: 1 });
  for (let broadcast = 0; broadcast < 10_000; broadcast++) assert.is(pulse.broadcast().length, 1);
  assert.is(pulse.battery.used, 0);
  pulse.setBattery('low');
  assert.is(pulse.broadcast()[0]?.status, statusBits.batteryLow);
  pulse.setBattery('flat');
  assert.equal(pulse.broadcast(), []);
});

test('refuses a battery that is none', () => {
  assert.throws(() => new VirtualBattery({ milliampHours: 0 }), /milliampHours is 0/);
  assert.throws(() => new VirtualBattery({ milliampHours: 1, used: 2 }), /used is 2/);
  assert.throws(() => new VirtualBattery({ milliampHours: 1, lowVolts: 2 }), /lowVolts is 2/);
});

test.run();
