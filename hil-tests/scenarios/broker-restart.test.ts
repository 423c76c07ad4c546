// @long
// @time-limit 180 s
// The cloud is stopped, killed and started again under a gateway at work, and stays away for a while: it catches up.
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { CloudProcess, type LogLine } from '../system/index.ts';
import { Counter, countsIn, countsTo } from './counter.ts';
import { Site } from './site.ts';

const test = suite('broker restart');

let site: Site;
let counter: Counter;

test.before(async () => {
  site = await Site.open();
  counter = new Counter(site.port);
  await counter.send(10);
  await site.stored(10);
});

test.after(() => site.close());

/** The cloud again, on the same state and the same ports. */
async function startCloud(): Promise<void> {
  const { httpsPort, mqttPort } = site.cloud;
  site.cloud = await CloudProcess.start({ state: join(site.folder, 'cloud'), httpsPort, mqttPort });
}

function lost(): LogLine[] {
  return site.gateway.log.filter(({ event }) => event === 'uplink-lost');
}

async function assertAllStored() {
  const { stored, rejected, health } = await site.stored(counter.sent);
  assert.equal([stored, rejected], [counter.sent, 0]);
  assert.equal(countsIn(site.readings()), countsTo(counter.sent));
  return health;
}

test('stopped in order twice and killed once, the cloud has every reading once', async () => {
  const before = lost().length;
  const links = site.gateway.log.filter(({ event }) => event === 'uplink-connected').length;
  let restarts = 0;
  for (const signal of ['SIGTERM', 'SIGKILL', 'SIGTERM'] as const) {
    restarts++;
    const restarted = site.cloud.service.stop(signal).then(startCloud);
    await counter.sendWhile(20, restarted);
    await counter.sendWhile(20, site.said('uplink-connected', links + restarts));
  }
  await assertAllStored();
  const reasons = lost()
    .slice(before)
    .map(({ reason }) => String(reason));
  assert.ok(reasons.length >= restarts);
  for (const reason of reasons) assert.match(reason, /closed|reset|nothing listens|the cloud said/);
});

test('while the cloud is away the waits grow, drawn by lot and bounded, and all is held for it', async () => {
  await site.cloud.service.stop('SIGKILL');
  const before = lost().length;
  const many = 5;
  // The bound doubles from half a second on; a wait is drawn evenly below it.
  const refused = until(
    () =>
      lost()
        .slice(before)
        .find(({ failures }) => Number(failures) >= many),
    {
      limitMs: 60_000,
      what: `${many} attempts have failed in a row`,
    },
  );
  await counter.sendWhile(50, refused);
  const attempts = lost().slice(before);
  for (const { failures, retryMs, reason } of attempts) {
    assert.ok(
      Number(retryMs) <= Math.min(30_000, 500 * 2 ** (Number(failures) - 1)),
      `${failures}: ${retryMs}`,
    );
    assert.match(String(reason), /nothing listens|closed|reset/);
  }
  const failures = attempts.map((attempt) => Number(attempt.failures));
  assert.equal(
    failures,
    [...failures].sort((a, b) => a - b),
  );
  assert.ok(Number((await refused).held) > 0);
  await counter.sendWhile(50, startCloud());
  const links = site.gateway.log.filter(({ event }) => event === 'uplink-connected').length;
  await counter.sendWhile(
    50,
    until(() => site.gateway.log.filter(({ event }) => event === 'uplink-connected').length > links, {
      // Two waits: the first attempt may come before the cloud listens.
      limitMs: 70_000,
      what: 'the gateway has come back by itself',
    }),
  );
  await assertAllStored();
});

test.run();
