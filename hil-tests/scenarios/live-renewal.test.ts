// @long
// A certificate renewed again and again while readings come without a pause: none is lost by it, none is sent twice.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { Counter, countsIn, countsTo } from './counter.ts';
import { gatewayId, Site } from './site.ts';

const test = suite('live renewal');

/** Renewals to wait for, each at two thirds of so short a life. */
const renewals = 4;
const certificateLife = '12s';
/** Milliseconds between two readings. */
const interval = 5;

let site: Site;
test.before(async () => {
  site = await Site.open({ certificateLife });
});
test.after(() => site.close());

const logged = (event: string) => site.gateway.log.filter((line) => line.event === event);

test('0 lost, 0 stored twice, 0 received twice, and one connection for each renewal', async () => {
  const counter = new Counter(site.port);
  const started = Date.now();
  await counter.sendWhile(
    interval,
    until(() => logged('certificate-renewed').length >= renewals, {
      limitMs: 90_000,
      what: `${renewals} renewals`,
    }),
  );
  const seconds = (Date.now() - started) / 1000;
  const { connections } = (await site.stored(counter.sent)).health?.uplink ?? {};
  const readings = site.readings();
  const ledger = await site.cloud.organisation.getLedger({ device: gatewayId });

  const renewed = logged('uplink-renewed').map(({ at }) => Date.parse(at));
  const connected = logged('uplink-connected').map(({ at }) => Date.parse(at));
  const away = renewed.map((left) => Math.min(...connected.filter((at) => at >= left)) - left);
  const stored = new Set(countsIn(readings)).size;
  console.log(
    `${counter.sent} readings in ${seconds.toFixed(0)} s over ${renewed.length} renewals: ` +
      `${counter.sent - stored} lost, ${readings.length - stored} stored twice, ` +
      `${ledger.readings.duplicate} received twice, ${(connections ?? 0) - 1} reconnections, ` +
      `without a link for ${away.join(', ')} ms`,
  );

  assert.equal(countsIn(readings), countsTo(counter.sent));
  assert.is(ledger.readings.duplicate, 0);
  assert.is(ledger.deliveries.duplicate, 0);
  assert.is(ledger.deliveries.rejected, 0);
  // One for each renewal that took place until its account was taken, and the first.
  assert.is(connections, renewed.length + 1);
  assert.equal(logged('uplink-lost'), []);
  assert.equal(logged('renewal-failed'), []);
  // Nobody takes it for a clone of itself.
  assert.equal((await site.cloud.organisation.listAlarms()).items, []);
});

test('the cloud ended each certificate when the next was used, and the gateway has no file left of a renewal', async () => {
  const { items } = await site.cloud.organisation.listCertificates({ device: gatewayId });
  assert.ok(items.length > renewals);
  const standing = items.filter(({ ended }) => ended === null);
  const last = standing.at(-1);
  assert.ok(last !== undefined && last.issuedFor === 'certificate');
  for (const { reason, used } of items.slice(0, -2)) {
    assert.is(reason, 'superseded');
    assert.ok(used !== null);
  }
});

test.run();
