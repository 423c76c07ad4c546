// @long
// @time-limit 120 s
import { deepEqual, match, ok } from 'node:assert/strict';
import { scenario } from '../scenario/index.ts';
import { Counter, countsIn, countsTo } from './counter.ts';

/** What is promised of the default keepalive. */
const promisedMs = 15_000;
/** How late a log line may be on a machine that has other work. */
const latenessMs = 1000;

export default scenario({
  about:
    'The cloud’s end of the link is gone and nobody says so: the gateway notices within 15 s, idle or busy, and loses nothing.',
  needs: ['simulated-radio', 'network-faults'],
  timeLimitMs: 120_000,
  async play({ given, when, then, bench }) {
    const { radio, gateway, cloud, network } = await given('a gateway that has delivered something', () =>
      bench.site({ link: 'proxied' }),
    );
    const counter = new Counter(radio);
    await counter.send(10);
    await cloud.stored(10);

    for (const [index, what] of ['idle', 'busy'].entries()) {
      const before = Date.now();
      const lost = () => gateway.said('uplink-lost', { times: index + 1, limitMs: 40_000 });
      await when(`the link goes half-open while the gateway is ${what}`, async () => {
        network.halfOpen();
        if (what === 'idle') await lost();
        else await counter.sendWhile(50, lost());
      });
      await then('it gives the link up within 15 s, and says why', async () => {
        const { at, reason } = await lost();
        const took = Date.parse(at) - before;
        ok(took <= promisedMs + latenessMs, `it took ${took} ms`);
        match(String(reason), /half-open/);
      });
      await then('everything that was sent is stored once, over the next link', async () => {
        await counter.send(5);
        const { stored, rejected, health } = await cloud.stored(counter.sent);
        deepEqual([stored, rejected, health?.uplink.connections], [counter.sent, 0, index + 2]);
        const reasons = health?.uplink.disconnects.map(({ reason }) => reason).join() ?? '';
        match(reasons, /half-open/);
        deepEqual(countsIn(cloud.readings()), countsTo(counter.sent));
      });
    }
  },
});
