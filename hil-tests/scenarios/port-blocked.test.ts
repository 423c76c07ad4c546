// @long
// A firewall lets 8883 out no more: the gateway finds the same cloud on its HTTPS port by ALPN, and stays with it.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FaultProxy } from '../rig/index.ts';
import { Counter, countsIn, countsTo } from './counter.ts';
import { Site } from './site.ts';

const test = suite('port blocked');

let site: Site;
/** The way to the cloud's HTTPS port. */
let https: FaultProxy;

test.before(async () => {
  https = await FaultProxy.open({ target: { port: 9 } });
  site = await Site.prepare({ link: 'proxied', sections: { uplink: { fallback_port: https.port } } });
  https.leadTo({ port: site.cloud.httpsPort });
});

test.after(async () => {
  await site.close();
  await https.close();
});

test('where 8883 is refused, the gateway delivers over the HTTPS port', async () => {
  await site.proxy?.set({ newConnections: 'refuse' });
  site.startGateway();
  await site.said('uplink-connected');
  assert.ok(https.counts.open === 1);
  const counter = new Counter(site.port);
  await counter.send(20);
  const { stored, rejected, health } = await site.stored(20);
  assert.equal([stored, rejected, health?.uplink.connections], [20, 0, 1]);
  assert.equal(countsIn(site.readings()), countsTo(20));
});

test('it tries that port first from then on, and goes back when that is what is closed', async () => {
  // A firewall that drops what it does not let out: nothing is refused, and nothing answers.
  await site.proxy?.set({ newConnections: 'accept', flow: 'freeze' });
  const before = Date.now();
  https.reset();
  const again = await site.said('uplink-connected', 2);
  // Behind ten seconds of silence it would have come later than that.
  assert.ok(Date.parse(again.at) - before < 9000, 'the port that answered last comes first');
  await site.proxy?.set({ flow: 'forward' });
  await https.set({ newConnections: 'refuse' });
  https.reset();
  await site.said('uplink-connected', 3);
  assert.is(site.proxy?.counts.open, 1);
});

test.run();
