// @long
// A link of 64 kbit/s, and one that loses a tenth of what it carries: live readings do not wait behind a backlog.
import { encodeFrame, encodePacket } from '@loadline/sdk/t24';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type FaultProxy, noFaults, until } from '../rig/index.ts';
import { SeededRandom } from '../rig/random.ts';
import { Counter, countsIn, countsTo } from './counter.ts';
import { elapsed, Site, type StoredReading } from './site.ts';

const test = suite('slow link');

const seed = Number(process.env.LOADLINE_SEED ?? 1);
const liveTag = 0x3a10;
const noisyTag = 0x25df;
/** More than ten seconds' worth of the slow link. */
const backlog = 12_000;

let site: Site;
let proxy: FaultProxy;
let counter: Counter;

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

function live(): StoredReading[] {
  return site.readings().filter(({ tag }) => tag === liveTag);
}

test.before(async () => {
  site = await Site.open({ link: 'proxied' });
  proxy = site.proxy as FaultProxy;
  counter = new Counter(site.port, liveTag);
});

test.after(() => site.close());

test('at 64 kbit/s a live reading does not wait for the backlog', async () => {
  await proxy.set({ newConnections: 'refuse' });
  proxy.reset();
  await site.said('uplink-lost');
  const random = new SeededRandom(seed);
  for (let sent = 0; sent < backlog; sent += 400) await site.port.write(noisyFrames(400, random));
  // 64 kbit/s, and the way there and back of a mobile network.
  await proxy.set({ newConnections: 'accept', bytesPerSecond: 8000, latencyMs: 50 });
  await site.said('uplink-connected', 2);
  const sentAt: number[] = [];
  for (let reading = 0; reading < 20; reading++) {
    sentAt.push(Date.now());
    await counter.send(1);
    await elapsed(200);
  }
  await until(
    async () => {
      await elapsed(200);
      return live().length === counter.sent;
    },
    { limitMs: 20_000, what: 'the live readings are stored' },
  );
  const readings = site.readings();
  const left = backlog - readings.filter(({ tag }) => tag === noisyTag).length;
  assert.ok(left > 1000, `a link that shows something: of the backlog ${left} readings are left`);
  const late = live().map(({ written }, index) => written - (sentAt[index] as number));
  assert.ok(Math.max(...late) < 3000, `ms from the air to the disk: ${late.join(' ')}`);
  await proxy.set(noFaults);
  const { stored, rejected } = await site.stored(counter.sent + backlog);
  assert.equal([stored, rejected], [counter.sent + backlog, 0]);
});

test('a link that loses a tenth of its segments delivers all of it, once and in order', async () => {
  await proxy.set({ latencyMs: 20, loss: { rate: 0.1 } });
  const { lostSegments } = proxy.counts;
  await counter.sendWhile(
    10,
    until(() => proxy.counts.lostSegments >= lostSegments + 10, { limitMs: 20_000, what: 'ten are lost' }),
  );
  const { stored, rejected, health } = await site.stored(counter.sent + backlog);
  assert.equal([stored, rejected, health?.uplink.connections], [counter.sent + backlog, 0, 2]);
  assert.equal(countsIn(live()), countsTo(counter.sent));
});

test.run();
