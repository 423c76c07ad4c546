// @long
// A link that is slow, stands still, breaks and stays away: every reading arrives in the end, and once.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type FaultProxy, noFaults, until } from '../rig/index.ts';
import { Counter, countsIn, countsTo } from './counter.ts';
import { elapsed, Site } from './site.ts';

const test = suite('link faults');

let site: Site;
let proxy: FaultProxy;
let counter: Counter;

/** Everything sent is stored, once and in order; the account says so too. */
async function assertAllStored() {
  const account = await site.stored(counter.sent);
  assert.equal([account.stored, account.rejected], [counter.sent, 0]);
  assert.equal(countsIn(site.readings()), countsTo(counter.sent));
  return account;
}

async function connectedAgain(links: number): Promise<void> {
  await until(() => site.gateway.log.filter(({ event }) => event === 'uplink-connected').length >= links, {
    limitMs: 30_000,
    what: `link ${links} stands`,
  });
}

test.before(async () => {
  // The smallest window, so that a backlog takes many round trips.
  site = await Site.open({ link: 'proxied', sections: { uplink: { window_bytes: 16_384 } } });
  proxy = site.proxy as FaultProxy;
  counter = new Counter(site.port);
});

test.after(() => site.close());

test('100 ms each way: readings gather while a batch is on its way, and all arrive', async () => {
  await proxy.set({ latencyMs: 100 });
  await counter.sendWhile(20, elapsed(1000));
  const { health, duplicate } = await assertAllStored();
  assert.equal([duplicate, health?.uplink.connections], [0, 1]);
  const deliveries = new Set(site.readings().map(({ written }) => written)).size;
  assert.ok(deliveries <= counter.sent / 2, `${deliveries} deliveries of ${counter.sent} readings`);
  await proxy.set(noFaults);
});

test('a link that stands still for a second goes on where it stood', async () => {
  await proxy.set({ flow: 'freeze' });
  await counter.sendWhile(20, elapsed(1000));
  await proxy.set(noFaults);
  const { health, duplicate } = await assertAllStored();
  assert.equal([duplicate, health?.uplink.connections], [0, 1]);
});

test('after a reset with batches on their way a new link is made, the account says why, and nothing is missing', async () => {
  await proxy.set({ latencyMs: 100 });
  const reset = elapsed(500).then(() => proxy.reset());
  await counter.sendWhile(5, reset);
  await proxy.set(noFaults);
  await counter.sendWhile(20, connectedAgain(2));
  const { health } = await assertAllStored();
  assert.is(health?.uplink.connections, 2);
  assert.match(health?.uplink.disconnects[0]?.reason ?? '', /ECONNRESET|EPIPE/);
});

test('what came while the link was away follows it, and what comes then goes ahead', async () => {
  await proxy.set({ newConnections: 'refuse' });
  proxy.reset();
  await counter.sendWhile(5, elapsed(500));
  await counter.send(6000);
  await proxy.set({ newConnections: 'accept', latencyMs: 100 });
  await connectedAgain(3);
  const firstLive = counter.sent;
  await counter.send(5);
  const { health } = await assertAllStored();
  assert.is(health?.uplink.connections, 3);
  const readings = site.readings();
  const written = (count: number) => readings[count]?.written ?? Number.NaN;
  // The last of the backlog was read before the first live one, and is committed after it.
  assert.ok(written(firstLive) < written(firstLive - 1));
});

test.run();
