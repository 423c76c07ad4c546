import { decodePacket, Framer, Gw1Framer, packetFlags, statusBits } from '@loadline/sdk/t24';
import { SerialPort } from 'serialport';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VirtualBaseStation, VirtualGw1 } from './base-station.ts';
import { SimulatedClock } from './clock.ts';
import { VirtualRadio } from './radio.ts';
import { SerialLine } from './serial-line.ts';
import {
  fastStrainTransmitter,
  loadTransmitter,
  temperatureTransmitter,
  windTransmitter,
} from './transmitters/index.ts';
import { until } from './until.ts';
import { VirtualPort } from './virtual-port.ts';

const test = suite('virtual radio');

function collectingSink() {
  const chunks: Uint8Array[] = [];
  return {
    bytes: () => Buffer.concat(chunks),
    async write(bytes: Uint8Array) {
      chunks.push(bytes.slice());
    },
  };
}

/** An hour of three transmitters, heard by a base station. */
async function anHour(seed: number) {
  const clock = new SimulatedClock();
  const sink = collectingSink();
  const station = new VirtualBaseStation(sink, { address: 3, clock });
  const transmitters = [
    windTransmitter({ tag: 0x25df, seed }),
    loadTransmitter({ tag: 0x1000, seed, intervalMs: 500 }),
    temperatureTransmitter({ tag: 0x2000, seed, intervalMs: 10_000 }),
  ];
  const radio = new VirtualRadio(station, transmitters, { clock });
  radio.start();
  await clock.advance(3_600_000);
  radio.stop();
  await clock.advance(1000);
  await radio.idle();
  return { station, radio, bytes: sink.bytes() };
}

function packetsOf(bytes: Uint8Array) {
  return new Framer().push(bytes).map((framed) => {
    assert.is(framed.kind, 'frame');
    if (framed.kind !== 'frame') throw new Error('unreachable');
    const packet = decodePacket(framed.packet);
    if (packet.kind !== 'dataProvider' || packet.value.type !== 'float32') throw new Error(packet.kind);
    return { ...packet, base: framed.base, number: packet.value.value };
  });
}

test('an hour passes in seconds, every broadcast arrives, and the same seed gives the same bytes', async () => {
  const { station, radio, bytes } = await anHour(7);
  const packets = packetsOf(bytes);
  const count = (tag: number) => packets.filter((packet) => packet.tag === tag).length;
  assert.is(count(0x25df), 3600);
  assert.is(count(0x25e0), 3600);
  assert.is(count(0x1000), 7200);
  assert.is(count(0x2000), 360);
  assert.is(station.framesSent, packets.length);
  assert.is(station.bytesSent, bytes.length);
  assert.is(radio.packetsSent, packets.length);
  assert.is(radio.packetsLost, 0);
  assert.ok(packets.every((packet) => packet.base === 3));

  assert.ok((await anHour(7)).bytes.equals(bytes));
  assert.not((await anHour(8)).bytes.equals(bytes));
});

test('measures what such sensors measure, and is heard as such radios are', async () => {
  const packets = packetsOf((await anHour(1)).bytes);
  const numbers = (tag: number) => packets.filter((packet) => packet.tag === tag).map(({ number }) => number);
  const averages = numbers(0x25df);
  const gusts = numbers(0x25e0);
  assert.ok(averages.every((average, index) => average >= 0 && average <= (gusts[index] ?? 0)));
  assert.ok(Math.max(...gusts) < 30);
  // It settles on each of the loads that are put on.
  for (const load of [0, 2.5, 5, 1.2]) {
    assert.ok(numbers(0x1000).some((number) => Math.abs(number - load) < 0.01));
  }
  assert.ok(numbers(0x2000).every((celsius) => celsius > 0 && celsius < 24));
  const rssi = new Set(packets.map((packet) => packet.rssi));
  const cv = new Set(packets.map((packet) => packet.cv));
  assert.ok(rssi.size > 5 && cv.size > 5, 'radio quality wanders');
  assert.ok(Math.max(...cv) <= 127);
});

test('a low battery shows in flag and status, and a status that was set shows as it is', () => {
  const wind = windTransmitter({ tag: 0x25df, status: 0x1c });
  assert.match(wind.label, 'simulated wind transmitter 25DF/25E0');
  for (const packet of wind.broadcast()) {
    assert.is(packet.flags, packetFlags.broadcast);
    assert.is(packet.status, 0x1c);
  }
  wind.setBattery('low');
  wind.setStatus(statusBits.integrityError);
  for (const packet of wind.broadcast()) {
    assert.is(packet.flags, packetFlags.broadcast | packetFlags.batteryLow);
    assert.is(packet.status, statusBits.integrityError | statusBits.batteryLow);
  }
  wind.setBattery('good');
  assert.is(wind.broadcast()[0]?.flags, packetFlags.broadcast);
});

test('a GW1 says the same in lines of text', async () => {
  const sink = collectingSink();
  const gw1 = new VirtualGw1(sink, { speed: { kind: 'as-fast-as-it-goes' } });
  const load = loadTransmitter({ tag: 0xfe56 });
  load.setBattery('low');
  const [packet] = load.broadcast();
  if (packet?.value.type !== 'float32') throw new Error('a load transmitter sends float32');
  await gw1.hear(packet);
  const [line] = new Gw1Framer().push(sink.bytes());
  if (line?.kind !== 'line') throw new Error('no line');
  assert.is(line.tag, 0xfe56);
  assert.ok(Math.abs(line.value - packet.value.value) < 1e-6);
  assert.ok(line.batteryLow);
  assert.is(gw1.linesSent, 1);
  const error = await gw1
    .hear({ ...packet, value: { type: 'nonFinite', bits: 0x7fc00000 } })
    .catch((refused) => refused);
  assert.is(error.code, 'option');
});

test('without an air several base stations hear all of it; on one RS485 line their frames take turns', async () => {
  const clock = new SimulatedClock();
  const sink = collectingSink();
  const line = new SerialLine(sink, { clock, speed: { kind: 'paced', baud: 230_400 } });
  const stations = [4, 5].map(
    (address) => new VirtualBaseStation(line, { address, clock, speed: { kind: 'as-fast-as-it-goes' } }),
  );
  const radio = new VirtualRadio(stations, [fastStrainTransmitter({ tag: 7 })], { clock });
  radio.start();
  await clock.advance(1000);
  radio.stop();
  await clock.advance(100);
  await radio.idle();
  const bases = new Framer()
    .push(sink.bytes())
    .map((each) => (each.kind === 'frame' ? each.base : each.reason));
  assert.equal(
    bases,
    Array.from({ length: 400 }, (_, index) => 4 + (index % 2)),
  );
});

test('broadcasts that nobody reads are lost and counted, in bounded memory', async () => {
  const clock = new SimulatedClock();
  const port = await VirtualPort.open();
  // Time goes on while the host does not read.
  const heedless = { now: () => clock.now(), after: clock.after.bind(clock) };
  const station = new VirtualBaseStation(port, { clock: heedless });
  const radio = new VirtualRadio(station, [windTransmitter({ tag: 1, intervalMs: 10 })], {
    clock: heedless,
    queueBytes: 1000,
  });
  radio.start();
  await clock.advance(60_000);
  assert.ok(radio.packetsLost > 1000);
  assert.ok(station.queuedBytes < 1100);
  await port.unplug();
  radio.stop();
  await clock.advance(1000);
  await radio.idle();
  assert.is(radio.packetsSent + radio.packetsLost, 12_000);
  assert.is(station.queuedBytes, 0);
  await port.close();
});

test('on the real clock and a kernel tty, serialport hears frames', async () => {
  const port = await VirtualPort.open();
  const host = new SerialPort({ path: port.path, baudRate: 115200 });
  const framer = new Framer();
  const frames: unknown[] = [];
  host.on('data', (bytes: Buffer) => frames.push(...framer.push(bytes)));
  const radio = new VirtualRadio(new VirtualBaseStation(port), [
    windTransmitter({ tag: 0x25df, intervalMs: 10 }),
  ]);
  await new Promise((resolve) => host.on('open', resolve));
  radio.start();
  await until(() => frames.length >= 10);
  radio.stop();
  await radio.idle();
  await until(() => frames.length === radio.packetsSent);
  await new Promise((resolve) => host.close(resolve));
  await port.close();
});

test('refuses what no station or transmitter has', () => {
  const sink = { write: async () => {} };
  for (const address of [0, 17, 1.5]) {
    assert.throws(() => new VirtualBaseStation(sink, { address }), /whole number from 1 to 16/);
  }
  assert.throws(() => windTransmitter({ tag: 0xffff }), /tag is 65536/);
  assert.throws(() => loadTransmitter({ tag: 1, steps: [] }), /steps is empty/);
  assert.throws(() => temperatureTransmitter({ tag: 1, intervalMs: 0 }), /intervalMs is 0/);
});

test.run();
