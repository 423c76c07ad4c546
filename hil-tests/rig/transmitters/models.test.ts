// What simulated modules measure: that it is what such sensors measure, and in the form of the real ones.
import { commands, type DataProviderPacket, dataTypes, encodePacket } from '@loadline/sdk/t24';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  fastStrainTransmitter,
  float32,
  loadTransmitter,
  type PulseOptions,
  pulseTransmitter,
  VirtualModule,
  windTransmitter,
} from './index.ts';

const test = suite('models of simulated modules');

function numbers(module: VirtualModule, count: number, packet = 0): number[] {
  return Array.from({ length: count }, () => {
    const value = module.broadcast()[packet]?.value;
    if (value?.type !== 'float32') throw new Error(`${value?.type}`);
    return value.value;
  });
}

const write = (command: number) =>
  ({ kind: 'write', flags: 0, to: 1, command, dataType: 0, value: { type: 'none' } }) as const;

test('a gust rises above the average and is gone a minute later; without gusts the wind has none of that', () => {
  const hour = (gustiness: number) => {
    const wind = windTransmitter({ tag: 1, gustiness, gustEveryMs: 600_000, turbulence: 0.05 });
    return Array.from({ length: 3600 }, () => {
      const [average, gust] = wind
        .broadcast()
        .map(({ value }) => ('value' in value ? Number(value.value) : 0));
      return (gust ?? 0) / (average ?? 1);
    });
  };
  const gusty = hour(2);
  assert.ok(gusty.filter((ratio) => ratio > 1.5).length > 60, 'gusts that stand out');
  assert.ok(gusty.filter((ratio) => ratio < 1.25).length > 1000, 'calm between them');
  assert.ok(hour(0).every((ratio) => ratio < 1.5));
});

test('a load swings when it is put on, and hangs still later', () => {
  const load = loadTransmitter({
    tag: 1,
    intervalMs: 100,
    steps: [0, 10],
    dwellMs: 20_000,
    noise: 0,
    swing: 0.1,
  });
  const shown = numbers(load, 3000);
  const at = shown.findIndex((value) => value > 5);
  assert.ok(Math.max(...shown.slice(at, at + 50)) > 10.2, 'swings above it');
  const still = shown.slice(at + 85, at + 95);
  assert.ok(
    still.every((value) => Math.abs(value - 10) < 0.1),
    `still: ${still}`,
  );
});

test('a counter counts what flows, nothing while it sleeps, and begins anew when told so or switched on', () => {
  const pulse = pulseTransmitter({ tag: 1, hertz: 50, unsteadiness: 0, count: 1000 });
  assert.ok(Math.abs((numbers(pulse, 100).at(-1) ?? 0) - 6000) <= 1);
  pulse.setMode('asleep');
  for (let second = 0; second < 60; second++) assert.equal(pulse.broadcast(), []);
  pulse.setMode('running');
  assert.ok(Math.abs((numbers(pulse, 1)[0] ?? 0) - 6050) <= 1);
  assert.equal(pulse.receive(write(64), 0), { kind: 'ack' });
  assert.ok((numbers(pulse, 1)[0] ?? 99) <= 51);
  pulse.receive(write(commands.reset), 0);
  assert.ok((numbers(pulse, 1)[0] ?? 99) <= 51);
  // Other modules have no counter.
  assert.equal(windTransmitter({ tag: 1 }).receive(write(64), 0), { kind: 'nak' });
});

test('a big counter goes by twos, because float32 has no odd numbers there', () => {
  const counted = numbers(pulseTransmitter({ tag: 1, hertz: 1, unsteadiness: 0, count: 2 ** 24 }), 100);
  assert.ok(counted.every((count) => count % 2 === 0));
});

test('frequency, revolutions and interval say the same of one shaft; standing still, it has neither', () => {
  const shown = (output: PulseOptions['output'], flow?: PulseOptions['flow']) =>
    numbers(
      pulseTransmitter({ tag: 1, output, hertz: 20, pulsesPerRevolution: 4, ...(flow && { flow }) }),
      200,
    );
  const [hertz, rpm, seconds] = [shown('frequency'), shown('rpm'), shown('interval')];
  for (const [index, frequency] of hertz.entries()) {
    assert.ok(Math.abs((rpm[index] ?? 0) - frequency * 15) < 1e-3);
    assert.ok(Math.abs((seconds[index] ?? 0) - 1 / frequency) < 1e-6);
  }
  const flow = { onMs: 10_000, offMs: 10_000 };
  const standing = shown('frequency', flow).map((frequency) => frequency === 0);
  assert.ok(standing.filter(Boolean).length > 30 && standing.filter((still) => !still).length > 30);
  assert.ok(Math.max(...shown('interval', flow)) > 3, 'the last pulse is long ago');
});

/** The ten readings and the stamp of a packet of the fast strain module. */
function strainOf({ dataType, value }: DataProviderPacket): { readings: number[]; stamp: number } {
  if (dataType !== dataTypes.binary || value.type !== 'binary') throw new Error(`type ${dataType}`);
  const bytes = Buffer.from(value.value);
  assert.is(bytes.length, 42);
  return {
    readings: Array.from({ length: 10 }, (_, index) => bytes.readInt32BE(index * 4)),
    stamp: bytes.readUInt16BE(40),
  };
}

test('fast strain: ten int32 and a stamp of half milliseconds a packet, which begins anew after 32.768 s', () => {
  const strain = fastStrainTransmitter({ tag: 0x5a00, blowEveryMs: 500 });
  assert.is(strain.intervalMs, 5);
  const packets = Array.from({ length: 7000 }, () => strain.broadcast()).flat();
  assert.is(packets.length, 7000);
  assert.is(packets[0] && encodePacket(packets[0]).length, 7 + 42);
  const heard = packets.map(strainOf);
  for (const [index, { stamp }] of heard.entries()) assert.is(stamp, ((index + 1) * 10) % 65_536);
  const readings = heard.flatMap((packet) => packet.readings);
  assert.is(readings.length, 70_000);
  const farthest = Math.max(...readings.map((reading) => Math.abs(reading - 250_000)));
  assert.ok(farthest > 5000 && farthest < 200_000, `${farthest} nV/V from rest`);
  const mean = readings.reduce((sum, reading) => sum + reading, 0) / readings.length;
  assert.ok(Math.abs(mean - 250_000) < 2000, `mean ${mean}`);
  // It rings, which is to say that it goes on from reading to reading: no noise is as smooth.
  const steps = readings.slice(1).map((reading, index) => Math.abs(reading - (readings[index] ?? 0)));
  assert.ok(steps.reduce((sum, step) => sum + step, 0) / steps.length < farthest / 20);
});

test('a module of one’s own making broadcasts what its model says', () => {
  const type = { what: 'tide gauge', model: 'GAUGE', tagCount: 2, milliamps: 5 };
  const gauge = new VirtualModule(type, { tag: 0x100, intervalMs: 60_000 }, () => {
    let minutes = 0;
    return {
      age: (milliseconds) => {
        minutes += milliseconds / 60_000;
      },
      read: () => [float32(minutes), float32(-minutes, 1)],
    };
  });
  assert.is(gauge.label, 'simulated tide gauge 0100/0101');
  gauge.broadcast();
  assert.equal(
    gauge.broadcast().map(({ tag, value }) => [tag, value]),
    [
      [0x100, { type: 'float32', value: 2 }],
      [0x101, { type: 'float32', value: -2 }],
    ],
  );
});

test('the same seed is the same module, to the last bit', () => {
  const makers = [
    (seed: number) => windTransmitter({ tag: 1, seed }),
    (seed: number) => loadTransmitter({ tag: 1, seed }),
    (seed: number) =>
      pulseTransmitter({ tag: 1, seed, output: 'frequency', flow: { onMs: 9000, offMs: 900 } }),
    (seed: number) => fastStrainTransmitter({ tag: 1, seed }),
  ];
  for (const make of makers) {
    const run = (seed: number) => {
      const module = make(seed);
      return Array.from({ length: 100 }, () => module.broadcast().map(encodePacket));
    };
    assert.equal(run(5), run(5));
    assert.not.equal(run(5), run(6));
  }
});

test.run();
