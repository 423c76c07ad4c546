// @long
// @time-limit 600 s
// An hour of everything the virtual radio has, on a simulated clock: seconds, and to the last bit the same again.
import { createHash } from 'node:crypto';
import { commands, decodePacket, encodeFrame, encodePacket, Framer } from '@loadline/sdk/t24';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VirtualAir } from './air.ts';
import { VirtualBaseStation } from './base-station.ts';
import { SimulatedClock } from './clock.ts';
import { VirtualModules } from './modules.ts';
import { VirtualRadio } from './radio.ts';
import {
  fastStrainTransmitter,
  loadTransmitter,
  pulseTransmitter,
  temperatureTransmitter,
  windTransmitter,
} from './transmitters/index.ts';

const test = suite('an hour of the virtual radio');

const minute = 60_000;

/** What a host hears by a line: a digest of its bytes, and how many packets of each tag. */
function host() {
  const hash = createHash('sha256');
  const framer = new Framer();
  const packets = new Map<number | string, number>();
  return {
    packets,
    digest: () => hash.digest('hex'),
    async write(bytes: Uint8Array) {
      hash.update(bytes);
      for (const framed of framer.push(bytes)) {
        assert.is(framed.kind, 'frame');
        if (framed.kind !== 'frame') continue;
        const packet = decodePacket(framed.packet);
        const key = packet.kind === 'dataProvider' ? packet.tag : packet.kind;
        packets.set(key, (packets.get(key) ?? 0) + 1);
      }
    },
  };
}

async function anHour(seed: number) {
  const clock = new SimulatedClock();
  const speed = { kind: 'paced', baud: 230_400 } as const;
  const hosts = [host(), host()] as const;
  const north = new VirtualBaseStation(hosts[0], { address: 1, clock, speed });
  const south = new VirtualBaseStation(hosts[1], { address: 2, clock, speed });
  const wind = windTransmitter({ tag: 0x10, seed });
  const load = loadTransmitter({ tag: 0x20, seed, intervalMs: 200, sleepDelayMs: 50 * minute });
  const temperature = temperatureTransmitter({
    tag: 0x30,
    seed,
    intervalMs: 5000,
    betweenBroadcasts: 'asleep',
  });
  const pulse = pulseTransmitter({ tag: 0x40, seed, intervalMs: 500, flow: { onMs: 90_000, offMs: 30_000 } });
  // 30 mA of 15 mAh: half an hour.
  const dying = pulseTransmitter({ tag: 0x50, seed, output: 'rpm', battery: { milliampHours: 15 } });
  const strain = fastStrainTransmitter({ tag: 0x60, seed });
  const modules = [wind, load, temperature, pulse, dying, strain];
  const air = new VirtualAir({ seed, people: { everyMs: 5 * minute, forMs: 4000 } });
  air.place(north, { x: 0, y: 0 });
  air.place(south, { x: 110, y: 10 });
  for (const [index, module] of modules.entries()) air.place(module, { x: 15 + 18 * index, y: 5 });
  air.place(strain, { x: 55, y: 0 });
  const radio = new VirtualRadio([north, south], modules, { clock, air });
  let send: (bytes: Uint8Array) => void = () => {};
  const port = {
    onData(listener: (bytes: Uint8Array) => void) {
      send = listener;
      return () => undefined;
    },
  };
  new VirtualModules(north, port, { radio });
  const tell = (command: number) =>
    send(
      encodeFrame(
        1,
        encodePacket({
          kind: 'write',
          flags: 0,
          to: pulse.id,
          command,
          dataType: 0,
          value: { type: 'none' },
        }),
      ),
    );
  radio.start();
  await clock.advance(10 * minute);
  tell(commands.sleep);
  const lorry = air.obstruct({ decibels: 20, to: south });
  await clock.advance(10 * minute);
  tell(commands.wake);
  lorry();
  await clock.advance(40 * minute);
  radio.stop();
  await clock.advance(1000);
  await radio.idle();
  assert.is(radio.packetsLost, 0);
  assert.is(air.countsAt(north).heard + air.countsAt(south).heard, radio.packetsSent);
  return {
    packets: hosts.map(({ packets }) => packets),
    digests: hosts.map(({ digest }) => digest()),
    modes: modules.map(({ mode }) => mode),
    collided: air.countsAt(north).collided,
  };
}

test('every module plays its part, and the same seed gives the same bytes', async () => {
  const { packets, digests, modes, collided } = await anHour(11);
  const [north, south] = packets;
  const heard = (tag: number | string) => north?.get(tag) ?? 0;
  // 720,000 are sent; as many as the air takes are heard.
  assert.ok(heard(0x60) > 500_000 && heard(0x60) < 720_000, `${heard(0x60)} of fast strain`);
  assert.ok(heard(0x10) > 3000 && heard(0x10) <= 3600, `${heard(0x10)} of wind`);
  assert.ok(heard(0x20) > 13_000 && heard(0x20) <= 15_000, `${heard(0x20)} of a load that went to sleep`);
  assert.ok(heard(0x30) > 550 && heard(0x30) <= 720, `${heard(0x30)} of temperature`);
  assert.ok(heard(0x40) > 4500 && heard(0x40) <= 6010, `${heard(0x40)} of one that slept ten minutes`);
  assert.ok(heard(0x50) > 700 && heard(0x50) <= 1800, `${heard(0x50)} until its battery was flat`);
  assert.is(heard('ack'), 2);
  assert.ok((south?.get(0x60) ?? 0) > 400_000 && !south?.has('ack'));
  assert.ok(collided > 1000);
  assert.equal(modes, ['running', 'asleep', 'running', 'running', 'flat', 'running']);
  assert.is.not(digests[0], digests[1]);

  assert.equal((await anHour(11)).digests, digests);
});

test.run();
