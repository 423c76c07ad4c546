// The air between transmitters and base stations, on a clock of its own: no port, no line.
import { correlation, type DataProviderPacket, rssiDecibels } from '@loadline/sdk/t24';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type AirOptions, VirtualAir } from './air.ts';
import type { Receiver } from './base-station.ts';
import { SimulatedClock } from './clock.ts';
import { VirtualRadio } from './radio.ts';
import { fastStrainTransmitter, loadTransmitter, type VirtualTransmitter } from './transmitters/index.ts';

const test = suite('air');

const second = 1000;
const minute = 60 * second;

/** A receiver that keeps what it hears. */
function ear(): Receiver & { readonly heard: DataProviderPacket[]; decibels(): number; cv(): number } {
  const heard: DataProviderPacket[] = [];
  const mean = (of: (packet: DataProviderPacket) => number) =>
    heard.reduce((sum, packet) => sum + of(packet), 0) / heard.length;
  return {
    label: 'simulated receiver that keeps what it hears',
    queuedBytes: 0,
    heard,
    async hear(packet) {
      heard.push(packet);
    },
    decibels: () => mean(({ rssi }) => rssiDecibels(rssi)),
    cv: () => mean(({ cv }) => correlation(cv)),
  };
}

/** Time for transmitters in an air, heard by all the ears. */
async function play(
  air: VirtualAir,
  ears: readonly Receiver[],
  transmitters: readonly VirtualTransmitter[],
  milliseconds: number,
  clock = new SimulatedClock(),
) {
  const radio = new VirtualRadio(ears, transmitters, { clock, air });
  radio.start();
  await clock.advance(milliseconds);
  radio.stop();
  await clock.advance(second);
  await radio.idle();
  return radio;
}

const loadEvery = (intervalMs: number, tag = 0x100) => loadTransmitter({ tag, intervalMs });

/** Modules whose intervals differ a little, so that each meets each before long. */
const loads = (count: number, intervalMs: number) =>
  Array.from({ length: count }, (_, index) => loadEvery(intervalMs + index * 0.37, 0x100 + index));

test('two base stations hear one transmitter: the near one all of it, the far one weaker, poorer and not all', async () => {
  const air = new VirtualAir({ crystalPpm: 0 });
  const [near, far] = [ear(), ear()];
  const load = loadEvery(100);
  air.place(near, { x: 10, y: 0 });
  air.place(far, { x: 0, y: 115 });
  air.place(load, { x: 0, y: 0 });
  await play(air, [near, far], [load], 5 * minute);
  assert.is(near.heard.length, 3000);
  assert.ok(far.heard.length > 1000 && far.heard.length < 2900, `${far.heard.length} packets far away`);
  // 2.5 * 10 * log10(115 / 10) dB further down.
  assert.ok(Math.abs(near.decibels() - far.decibels() - 26.5) < 4, `${near.decibels()}, ${far.decibels()}`);
  assert.ok(near.cv() > 95 && far.cv() < 80, `${near.cv()}, ${far.cv()}`);
  assert.equal(air.countsAt(far), {
    heard: far.heard.length,
    collided: 0,
    faded: 3000 - far.heard.length,
  });
  // The same value, each as it heard it.
  const [here] = near.heard;
  const there = far.heard.find(({ value }) => JSON.stringify(value) === JSON.stringify(here?.value));
  assert.ok(there === undefined || there.rssi !== here?.rssi);
});

test('what has not been placed is heard as it was sent, but for a little', async () => {
  const air = new VirtualAir();
  const near = ear();
  await play(air, [near], [loadEvery(100)], 2 * minute);
  assert.ok(Math.abs(near.decibels() + 55) < 4, `${near.decibels()}`);
});

test('a lorry in the way takes its decibels off, for the base station behind it; and drives away', async () => {
  const air = new VirtualAir();
  const [behind, beside] = [ear(), ear()];
  const transmitters = [loadEvery(100)];
  const clock = new SimulatedClock();
  const remove = air.obstruct({ decibels: 25, to: behind });
  await play(air, [behind, beside], transmitters, minute, clock);
  assert.ok(beside.decibels() - behind.decibels() > 20);
  remove();
  const heardBefore = behind.heard.length;
  await play(air, [behind, beside], transmitters, minute, clock);
  const since = behind.heard.slice(heardBefore).map(({ rssi }) => rssiDecibels(rssi));
  assert.ok(since.every((decibels) => decibels > -72));
});

test('people walk through now and then', async () => {
  const decibels = async (people?: AirOptions['people']) => {
    const heard = ear();
    await play(new VirtualAir(people && { people }), [heard], [loadEvery(100)], 10 * minute);
    return heard.heard.map(({ rssi }) => rssiDecibels(rssi));
  };
  const empty = await decibels();
  const busy = await decibels({ everyMs: 20_000, forMs: 4000, decibels: 20 });
  assert.is(empty.filter((each) => each < -70).length, 0);
  const share = busy.filter((each) => each < -70).length / busy.length;
  assert.ok(share > 0.05 && share < 0.3, `${share} of the time somebody stands there`);
});

test('who moves is heard from where it is', async () => {
  const air = new VirtualAir({ exponent: 2 });
  const here = ear();
  const load = loadEvery(100);
  air.place(here, { x: 0, y: 0 });
  const clock = new SimulatedClock();
  const means = [];
  for (const x of [4, 40]) {
    air.place(load, { x, y: 0 });
    const before = here.heard.length;
    await play(air, [here], [load], 5 * minute, clock);
    const heard = here.heard.slice(before).map(({ rssi }) => rssiDecibels(rssi));
    means.push(heard.reduce((sum, each) => sum + each, 0) / heard.length);
  }
  const [near = 0, far = 0] = means;
  assert.ok(Math.abs(near - far - 20) < 3, `ten times as far, ${near - far} dB less`);
});

test('four that wait for one to end: rude ones meet when it does, polite ones seldom, and alone nobody waits', async () => {
  const share = async (access: AirOptions['access']) => {
    const air = new VirtualAir({ ...(access && { access }) });
    const clock = new SimulatedClock();
    const here = ear();
    const listening = { clock, receivers: [here], heard: () => undefined };
    const long = fastStrainTransmitter({ tag: 1 });
    const waiting = loads(4, 1000);
    for (let round = 0; round < 100; round++) {
      void air.carry(long, long.broadcast(), listening);
      await clock.advance(0.5);
      for (const each of waiting) void air.carry(each, each.broadcast(), listening);
      await clock.advance(100);
    }
    const { heard, collided, faded } = air.countsAt(here);
    assert.equal([heard + collided, faded, air.crowdedOut], [500, 0, 0]);
    return collided / 500;
  };
  const [alone, polite, rude] = [
    await share('collision-free'),
    await share(undefined),
    await share('no-csma'),
  ];
  assert.is(alone, 0);
  // One of those who meet may be strong enough.
  assert.ok(rude > 0.55, `${rude} without CSMA`);
  assert.ok(polite > 0.05 && polite < rude * 0.7, `${polite} with it`);
});

test('a module that finds no free moment until its next broadcast gives up the one before', async () => {
  const air = new VirtualAir();
  const here = ear();
  // Four such modules would be on the air for 169 % of the time.
  const radio = await play(
    air,
    [here],
    [1, 2, 3, 4].map((tag) => fastStrainTransmitter({ tag })),
    5 * second,
  );
  const { heard, collided } = air.countsAt(here);
  assert.ok(air.crowdedOut > 300, `${air.crowdedOut} crowded out`);
  assert.is(radio.packetsSent, heard);
  assert.ok(Math.abs(heard + collided + air.crowdedOut - 4000) <= 8);
});

test('a hidden node: two transmitters that do not hear each other meet at the base station between them', async () => {
  const share = async (apart: number) => {
    const air = new VirtualAir();
    const between = ear();
    const transmitters = [fastStrainTransmitter({ tag: 1 }), loadEvery(19.7)];
    air.place(between, { x: 0, y: 0 });
    for (const [index, each] of transmitters.entries()) air.place(each, { x: 0, y: (index - 0.5) * apart });
    await play(air, [between], transmitters, 20 * second);
    const { heard, collided } = air.countsAt(between);
    return collided / (heard + collided);
  };
  const [inSight, hidden] = [await share(10), await share(60)];
  assert.ok(hidden > 0.1 && hidden > 3 * inSight, `${hidden} hidden, ${inSight} in sight of each other`);
});

test('the stronger of two that meet is heard nevertheless', async () => {
  const air = new VirtualAir({ access: 'no-csma' });
  const here = ear();
  const transmitters = [
    fastStrainTransmitter({ tag: 1 }),
    loadTransmitter({ tag: 2, intervalMs: 19.7, rssiDecibels: -45 }),
  ];
  air.place(here, { x: 0, y: 0 });
  air.place(transmitters[0] as VirtualTransmitter, { x: 40, y: 0 });
  air.place(transmitters[1] as VirtualTransmitter, { x: -4, y: 0 });
  await play(air, [here], transmitters, 10 * second);
  const strong = here.heard.filter(({ tag }) => tag === 2).length;
  const weak = here.heard.filter(({ tag }) => tag === 1).length;
  assert.ok(air.countsAt(here).collided > 50);
  assert.ok(strong >= 500, `${strong} of 507 heard of the strong one`);
  assert.ok(weak < 1950, `${weak} of 2000 heard of the weak one`);
});

test('a packet that cannot be is lost and counted, and the transmitter goes on', async () => {
  const here = ear();
  const load = loadEvery(100);
  let broadcasts = 0;
  const broken: VirtualTransmitter = {
    label: 'simulated transmitter with a fault',
    tags: load.tags,
    intervalMs: 100,
    setBattery: () => undefined,
    setStatus: () => undefined,
    broadcast: () => load.broadcast().map((packet) => ({ ...packet, tag: broadcasts++ === 3 ? -1 : 1 })),
  };
  const radio = await play(new VirtualAir({ crystalPpm: 0 }), [here], [broken], second);
  assert.equal([radio.packetsLost, radio.packetsSent], [1, broadcasts - 1]);
});

test('the same seed makes the same of it', async () => {
  const heard = async (seed: number) => {
    const here = ear();
    const air = new VirtualAir({ seed, people: { everyMs: 5000, forMs: 1000 } });
    air.place(here, { x: 90, y: 0 });
    const transmitters = loads(5, 40);
    for (const each of transmitters) air.place(each, { x: 0, y: 0 });
    await play(air, [here], transmitters, 20 * second);
    return here.heard;
  };
  assert.equal(await heard(3), await heard(3));
  assert.not.equal(await heard(3), await heard(4));
});

test('refuses what no air has', () => {
  assert.throws(() => new VirtualAir({ exponent: -1 }), /exponent is -1/);
  assert.throws(() => new VirtualAir({ people: { everyMs: 0, forMs: 1 } }), /people.everyMs is 0/);
  assert.throws(() => new VirtualAir().obstruct({ decibels: -3 }), /decibels is -3/);
  assert.throws(() => new VirtualAir().place(ear(), { x: Number.NaN, y: 0 }), /x is NaN/);
});

test.run();
