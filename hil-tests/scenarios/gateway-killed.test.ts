// @long
// A gateway killed with its backlog on the disk: the next run delivers it, and lost is at most what was younger than a flush.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type FaultProxy, until } from '../rig/index.ts';
import { Counter, countsIn, countsTo } from './counter.ts';
import { elapsed, gatewayId, Site } from './site.ts';

const test = suite('gateway killed');

const flushMilliseconds = 1000;

let site: Site;
let proxy: FaultProxy;
let counter: Counter;
const epochs: string[] = [];
/** Of the present run, by its line a second. */
let heard = 0;

test.before(async () => {
  site = await Site.open({ link: 'proxied' });
  proxy = site.proxy as FaultProxy;
  counter = new Counter(site.port);
});

test.after(() => site.close());

/** Sends readings to a gateway without a link, and lets them come of age. */
async function heldOnDisk(count: number): Promise<void> {
  const before = counter.sent;
  site.gateway.onLine(({ event, readings }) => {
    if (event === 'progress') heard = Number(readings);
  });
  await counter.send(count);
  await until(() => heard >= count, { limitMs: 20_000, what: `${count} readings after ${before} are heard` });
  // What is older than the flush time is on disk; twice that is generous to the disk.
  await elapsed(2 * flushMilliseconds);
}

async function killAndRestart(): Promise<void> {
  epochs.push(await site.epoch());
  await site.gateway.stop('SIGKILL');
  heard = 0;
  site.startGateway();
  await site.said('port-open');
}

test('killed twice with a backlog, and once more while it drains: every reading of age is stored, once', async () => {
  await proxy.set({ newConnections: 'refuse' });
  proxy.reset();
  await site.said('uplink-lost');
  for (let run = 0; run < 2; run++) {
    await heldOnDisk(2000);
    await killAndRestart();
  }
  await heldOnDisk(2000);
  // Slow enough to be killed in the middle of it.
  await proxy.set({ newConnections: 'accept', latencyMs: 50, bytesPerSecond: 4000 });
  await until(() => site.readings().length > 0, {
    limitMs: 30_000,
    what: 'the first of the backlog is stored',
  });
  await killAndRestart();
  await proxy.set({ latencyMs: 0, bytesPerSecond: undefined });
  await until(
    async () => {
      await elapsed(100);
      return site.readings().length >= counter.sent;
    },
    { limitMs: 30_000, what: 'all of it is stored' },
  );
  // In the order of their epochs, and in each in the order of their numbers.
  const readings = site.readings();
  const byEpoch = epochs.flatMap((epoch) => readings.filter((reading) => reading.epoch === epoch));
  assert.is(byEpoch.length, readings.length);
  assert.equal(countsIn(byEpoch), countsTo(counter.sent));
});

test('what was younger than the flush time may be lost, nothing else is, and no number is used again', async () => {
  await proxy.set({ newConnections: 'refuse' });
  proxy.reset();
  await until(() => site.gateway.log.some(({ event }) => event === 'uplink-lost'), {
    what: 'the link is gone',
  });
  const old = counter.sent;
  await heldOnDisk(100);
  const ofAge = counter.sent;
  await counter.send(50);
  await killAndRestart();
  await proxy.set({ newConnections: 'accept' });
  const afterwards = counter.sent;
  await counter.send(50);
  await site.accountWhere('the last run has delivered', ({ stored }, { readings, journal }) => {
    return readings === 50 && stored >= 50 && journal.held === 0;
  });
  const counts = countsIn(site.readings()).sort((a, b) => a - b);
  assert.equal(counts.length, new Set(counts).size, 'nothing twice');
  const missing = countsTo(counter.sent).filter((count) => !counts.includes(count));
  for (const count of missing) assert.ok(count >= ofAge && count < afterwards, `${count} was of age`);
  assert.ok(ofAge > old);
  const { epochs: known } = await site.cloud.organisation.getLedger({ device: gatewayId });
  assert.is(known.length, 5);
  for (const { gaps } of known)
    assert.equal(
      gaps.filter(({ state }) => state === 'coming'),
      [],
    );
});

test.run();
