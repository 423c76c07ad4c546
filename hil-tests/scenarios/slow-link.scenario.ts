// @long
// @time-limit 150 s
import { deepEqual, ok } from 'node:assert/strict';
import { encodeFrame, encodePacket } from '@loadline/sdk/t24';
import { noFaults, until } from '../rig/index.ts';
import { SeededRandom } from '../rig/random.ts';
import { elapsed, scenario } from '../scenario/index.ts';
import { Counter, countsIn, countsTo } from './counter.ts';

const liveTag = 0x3a10;
const noisyTag = 0x25df;
/** More than ten seconds' worth of the slow link. */
const backlog = 12_000;

/** Frames whose values and signals do not compress. */
function noisyFrames(count: number, random: SeededRandom): Uint8Array {
  const frame = () =>
    encodePacket({
      kind: 'dataProvider',
      flags: 0x20,
      tag: noisyTag,
      status: 0,
      dataType: 3,
      value: { type: 'int32', value: random.integer(-(2 ** 31), 2 ** 31 - 1) },
      rssi: random.integer(0, 255),
      cv: random.integer(0, 255),
    });
  return Buffer.concat(Array.from({ length: count }, () => encodeFrame(1, frame())));
}

export default scenario({
  about:
    'The link carries 64 kbit/s, and later loses a tenth of what it carries: live readings do not wait behind a backlog, and all arrive.',
  needs: ['simulated-radio', 'network-faults'],
  timeLimitMs: 150_000,
  async play({ given, when, then, bench, seed }) {
    const { radio, gateway, cloud, network } = await given('a gateway whose link can be made slow', () =>
      bench.site({ link: 'proxied' }),
    );
    const counter = new Counter(radio, liveTag);
    const live = () => cloud.readings().filter(({ tag }) => tag === liveTag);

    await when('the link is away, and a backlog gathers', async () => {
      await network.set({ newConnections: 'refuse' });
      network.reset();
      await gateway.said('uplink-lost');
      const random = new SeededRandom(seed);
      for (let sent = 0; sent < backlog; sent += 400) await radio.write(noisyFrames(400, random));
    });
    const sentAt: number[] = [];
    await when('it is back with 64 kbit/s, and a live reading comes five times a second', async () => {
      // And the way there and back of a mobile network.
      await network.set({ newConnections: 'accept', bytesPerSecond: 8000, latencyMs: 50 });
      await gateway.said('uplink-connected', { times: 2 });
      for (let reading = 0; reading < 20; reading++) {
        sentAt.push(Date.now());
        await counter.send(1);
        await elapsed(200);
      }
    });
    await then('each live reading is on the cloud’s disk within 3 s, ahead of the backlog', async () => {
      await until(
        async () => {
          await elapsed(200);
          return live().length === counter.sent;
        },
        { limitMs: 20_000, what: 'the live readings are stored' },
      );
      const left = backlog - cloud.readings().filter(({ tag }) => tag === noisyTag).length;
      ok(left > 1000, `a link that shows something: of the backlog ${left} readings are left`);
      const late = live().map(({ written }, index) => written - (sentAt[index] ?? Number.NaN));
      ok(Math.max(...late) < 3000, `ms from the air to the disk: ${late.join(' ')}`);
    });
    await when('the link is fast again', () => network.set(noFaults));
    await then('all of the backlog is stored', async () => {
      const { stored, rejected } = await cloud.stored(counter.sent + backlog);
      deepEqual([stored, rejected], [counter.sent + backlog, 0]);
    });

    await when('the link loses a tenth of its segments', async () => {
      await network.set({ latencyMs: 20, loss: { rate: 0.1 } });
      const { lostSegments } = network.counts;
      await counter.sendWhile(
        10,
        until(() => network.counts.lostSegments >= lostSegments + 10, {
          limitMs: 20_000,
          what: 'ten are lost',
        }),
      );
    });
    await then('all is delivered, once and in order, over the same link', async () => {
      const { stored, rejected, health } = await cloud.stored(counter.sent + backlog);
      deepEqual([stored, rejected, health?.uplink.connections], [counter.sent + backlog, 0, 2]);
      deepEqual(countsIn(live()), countsTo(counter.sent));
    });
  },
});
