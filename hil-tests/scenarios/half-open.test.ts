// @long
// The cloud's end of the link is gone and nobody says so: the gateway notices within 15 s, idle or busy, and loses nothing.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { Counter, countsIn, countsTo } from './counter.ts';
import { Site } from './site.ts';

const test = suite('half-open link');

/** What is promised of the default keepalive. */
const promisedMilliseconds = 15_000;
/** How late a log line may be on a machine that has other work. */
const latenessMilliseconds = 1000;

let sites: Site[] = [];

test.before(async () => {
  sites = await Promise.all([Site.open({ link: 'proxied' }), Site.open({ link: 'proxied' })]);
});

test.after(async () => {
  await Promise.all(sites.map((site) => site.close()));
});

/** Lets the link go half-open, sends meanwhile what `work` sends, and judges how long the gateway took to notice. */
async function noticedInTime(site: Site, counter: Counter, everyMilliseconds: number | undefined) {
  const began = Date.now();
  site.proxy?.halfOpen();
  const noticed = until(() => site.gateway.log.find(({ event }) => event === 'uplink-lost'), {
    limitMs: 40_000,
    what: 'the gateway has given the link up',
  });
  if (everyMilliseconds !== undefined) await counter.sendWhile(everyMilliseconds, noticed);
  const { at, reason } = await noticed;
  const took = Date.parse(at) - began;
  assert.ok(took <= promisedMilliseconds + latenessMilliseconds, `it took ${took} ms`);
  assert.match(String(reason), /half-open/);
}

/** Everything sent is stored once, over the second link. */
async function assertAllStored(site: Site, counter: Counter): Promise<void> {
  const { stored, rejected, health } = await site.stored(counter.sent);
  assert.equal([stored, rejected, health?.uplink.connections], [counter.sent, 0, 2]);
  assert.match(health?.uplink.disconnects[0]?.reason ?? '', /half-open/);
  assert.equal(countsIn(site.readings()), countsTo(counter.sent));
}

test('a half-open link is given up within 15 s with the default keepalive, idle and busy', async () => {
  const [idle, busy] = sites as [Site, Site];
  const [quiet, talking] = [new Counter(idle.port), new Counter(busy.port)];
  await Promise.all([quiet.send(10), talking.send(10)]);
  await Promise.all([idle.stored(10), busy.stored(10)]);
  await Promise.all([noticedInTime(idle, quiet, undefined), noticedInTime(busy, talking, 50)]);
  await quiet.send(5);
  await Promise.all([assertAllStored(idle, quiet), assertAllStored(busy, talking)]);
});

test.run();
