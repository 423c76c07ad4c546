// @long
// @time-limit 240 s
// A gateway killed in the middle of renewals, at each step that shows in its folder: it comes back by itself each time.
import { watch } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { Counter, countsIn } from './counter.ts';
import { elapsed, gatewayId, Site } from './site.ts';

const test = suite('killed while it renews');

/** What appears in the folder, in the order in which a renewal makes it. */
const steps = [
  'renewal.key.new',
  'renewal.key',
  'renewal.crt.new',
  'renewal.crt',
  'gateway.key.new',
  'gateway.crt.new',
] as const;

let site: Site;
let counter: Counter;
test.before(async () => {
  site = await Site.open({ certificateLife: '15s' });
  counter = new Counter(site.port);
});
test.after(() => site.close());

/** Kills the gateway the moment a file of this name appears in its state folder. */
async function killAt(name: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const watcher = watch(join(site.folder, 'gateway/state'), (_event, file) => {
    if (file !== name) return;
    process.kill(site.gateway.pid, 'SIGKILL');
    resolve();
  });
  const late = setTimeout(resolve, 40_000);
  await promise;
  clearTimeout(late);
  watcher.close();
  const { signal } = await site.gateway.stop('SIGKILL');
  assert.is(signal, 'SIGKILL', name);
}

for (const name of steps) {
  test(`killed as ${name} appears, it is back and delivers`, async () => {
    await killAt(name);
    const renewed = () => site.gateway.log.filter(({ event }) => event === 'certificate-renewed').length;
    site.startGateway();
    await site.said('port-open');
    await site.said('uplink-connected');
    const before = site.readings().length;
    await counter.send(50);
    await until(
      async () => {
        await elapsed(100);
        return site.readings().length >= before + 50;
      },
      { limitMs: 30_000, what: 'what is heard now is stored' },
    );
    // And it renews on, by itself.
    await until(() => renewed() > 0, { limitMs: 40_000, what: 'the next renewal' });
  });
}

test('nothing is stored twice, and nothing was received twice but what a kill had left unacknowledged', async () => {
  const counts = countsIn(site.readings());
  assert.is(new Set(counts).size, counts.length);
  assert.is(counts.length, counter.sent);
  const { readings, deliveries } = await site.cloud.organisation.getLedger({ device: gatewayId });
  assert.is(deliveries.rejected, 0);
  assert.is(readings.duplicate, 0);
});

test.run();
