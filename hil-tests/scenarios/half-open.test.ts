// The cloud's end of the link is gone and nobody says so: the gateway notices by itself, and nothing is lost.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { Counter, countsIn, countsTo } from './counter.ts';
import { Site } from './site.ts';

const test = suite('half-open link');

let site: Site;

test.before(async () => {
  site = await Site.open({ link: 'proxied', sections: { uplink: { keepalive_seconds: 5 } } });
});

test.after(() => site.close());

test('a half-open link is given up by the keepalive, and what it swallowed is sent again', async () => {
  const counter = new Counter(site.port);
  await counter.send(10);
  await site.stored(10);
  site.proxy?.halfOpen();
  const noticed = until(() => site.gateway.log.some(({ event }) => event === 'uplink-lost'), {
    limitMs: 40_000,
    what: 'the gateway has given the link up',
  });
  await counter.sendWhile(50, noticed);
  const { stored, rejected, health } = await site.stored(counter.sent);
  assert.equal([stored, rejected, health?.uplink.connections], [counter.sent, 0, 2]);
  assert.match(health?.uplink.disconnects[0]?.reason ?? '', /keepalive/i);
  assert.equal(countsIn(site.readings()), countsTo(counter.sent));
});

test.run();
