// @long
// @time-limit 210 s
import { deepEqual, match, ok } from 'node:assert/strict';
import { until } from '../rig/index.ts';
import { scenario } from '../scenario/index.ts';
import { Counter, countsIn, countsTo } from './counter.ts';

export default scenario({
  about:
    'The cloud is stopped, killed and started again under a gateway at work, and stays away for a while: the gateway catches up.',
  needs: ['simulated-radio', 'kill-cloud'],
  timeLimitMs: 210_000,
  async play({ given, when, then, bench }) {
    const { radio, gateway, cloud } = await given('a gateway at work', () => bench.site());
    const counter = new Counter(radio);
    await counter.send(10);
    await cloud.stored(10);
    const lost = () => gateway.log.filter(({ event }) => event === 'uplink-lost');
    const links = () => gateway.log.filter(({ event }) => event === 'uplink-connected').length;
    const allStored = async () => {
      const { stored, rejected, health } = await cloud.stored(counter.sent);
      deepEqual([stored, rejected], [counter.sent, 0]);
      deepEqual(countsIn(cloud.readings()), countsTo(counter.sent));
      return health;
    };

    const [linksBefore, lostBefore] = [links(), lost().length];
    for (const [index, how] of (['stop', 'kill', 'stop'] as const).entries()) {
      await when(
        `the cloud is ${how === 'stop' ? 'stopped in order' : 'killed'}, and started again`,
        async () => {
          const restarted = cloud[how]().then(() => cloud.start());
          await counter.sendWhile(20, restarted);
          await counter.sendWhile(20, gateway.said('uplink-connected', { times: linksBefore + index + 1 }));
        },
      );
    }
    await then('it has every reading once, and the gateway said why it lost each link', async () => {
      await allStored();
      const reasons = lost().slice(lostBefore);
      ok(reasons.length >= 3);
      for (const { reason } of reasons) {
        match(String(reason), /closed|reset|nothing listens|the cloud said/);
      }
    });

    const many = 5;
    const before = lost().length;
    const attempts = () => lost().slice(before);
    await when('the cloud is killed, and stays away', async () => {
      await cloud.kill();
      // The failures of the restarts before may count on: some of them must be of this time.
      const isRefused = () => attempts().length >= 3 && Number(attempts().at(-1)?.failures) >= many;
      const refused = until(isRefused, { limitMs: 75_000, what: `${many} attempts have failed in a row` });
      await counter.sendWhile(50, refused);
    });
    await then('the waits grow, drawn by lot and bounded, and all is held for it', () => {
      for (const { failures, retryMs, reason } of attempts()) {
        // The bound doubles from half a second on; a wait is drawn evenly below it.
        const bound = Math.min(30_000, 500 * 2 ** (Number(failures) - 1));
        ok(Number(retryMs) <= bound, `${failures}: ${retryMs}`);
        match(String(reason), /nothing listens|closed|reset/);
      }
      const failures = attempts().map((attempt) => Number(attempt.failures));
      deepEqual(
        failures,
        failures.toSorted((a, b) => a - b),
      );
      ok(Number(attempts().at(-1)?.held) > 0);
    });

    await when('the cloud is started', async () => {
      await counter.sendWhile(50, cloud.start());
      // Two waits: the first attempt may come before the cloud listens.
      await counter.sendWhile(
        50,
        gateway.said('uplink-connected', { times: linksBefore + 4, limitMs: 70_000 }),
      );
    });
    await then('the gateway has come back by itself, and every reading is stored once', allStored);
  },
});
