// @long
// @time-limit 120 s
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { noFaults } from '../rig/index.ts';
import { elapsed, scenario } from '../scenario/index.ts';
import { Counter, countsIn, countsTo } from './counter.ts';

export default scenario({
  about:
    'The link is slow, stands still, breaks and stays away: every reading arrives in the end, once and in order.',
  needs: ['simulated-radio', 'network-faults'],
  timeLimitMs: 120_000,
  async play({ given, when, then, bench }) {
    const { radio, gateway, cloud, network } = await given(
      // So that a backlog takes many round trips.
      'a gateway with the smallest window, whose link can be spoilt',
      () => bench.site({ link: 'proxied', sections: { uplink: { window_bytes: 16_384 } } }),
    );
    const counter = new Counter(radio);
    /** Everything sent is stored, once and in order; the account says so too. */
    const allStored = async () => {
      const account = await cloud.stored(counter.sent);
      deepEqual([account.stored, account.rejected], [counter.sent, 0]);
      deepEqual(countsIn(cloud.readings()), countsTo(counter.sent));
      return account;
    };

    await when('a byte takes 100 ms each way, and frames come for a second', async () => {
      await network.set({ latencyMs: 100 });
      await counter.sendWhile(20, elapsed(1000));
    });
    await then('readings gather while a batch is on its way, and all arrive', async () => {
      const { health, duplicate } = await allStored();
      deepEqual([duplicate, health?.uplink.connections], [0, 1]);
      const deliveries = new Set(cloud.readings().map(({ written }) => written)).size;
      ok(deliveries <= counter.sent / 2, `${deliveries} deliveries of ${counter.sent} readings`);
    });

    await when('the link stands still for a second, and goes on', async () => {
      await network.set({ ...noFaults, flow: 'freeze' });
      await counter.sendWhile(20, elapsed(1000));
      await network.set(noFaults);
    });
    await then('it goes on where it stood: the same link, and nothing twice', async () => {
      const { health, duplicate } = await allStored();
      deepEqual([duplicate, health?.uplink.connections], [0, 1]);
    });

    await when('it is reset with batches on their way', async () => {
      await network.set({ latencyMs: 100 });
      const reset = elapsed(500).then(() => network.reset());
      await counter.sendWhile(5, reset);
      await network.set(noFaults);
      await counter.sendWhile(20, gateway.said('uplink-connected', { times: 2 }));
    });
    await then('a new link is made, the account says why, and nothing is missing', async () => {
      const { health } = await allStored();
      equal(health?.uplink.connections, 2);
      match(health?.uplink.disconnects[0]?.reason ?? '', /ECONNRESET|EPIPE/);
    });

    let firstLive = 0;
    await when('it stays away while thousands of frames come, and is back', async () => {
      await network.set({ newConnections: 'refuse' });
      network.reset();
      await counter.sendWhile(5, elapsed(500));
      await counter.send(6000);
      await network.set({ newConnections: 'accept', latencyMs: 100 });
      await gateway.said('uplink-connected', { times: 3 });
      firstLive = counter.sent;
      await counter.send(5);
    });
    await then('what came meanwhile follows, and what comes now goes ahead of it', async () => {
      const { health } = await allStored();
      equal(health?.uplink.connections, 3);
      const readings = cloud.readings();
      const written = (count: number) => readings[count]?.written ?? Number.NaN;
      // The last of the backlog was read before the first live one, and is committed after it.
      ok(written(firstLive) < written(firstLive - 1));
    });
  },
});
