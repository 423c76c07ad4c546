// @long
// @time-limit 150 s
import { deepEqual, equal, ok } from 'node:assert/strict';
import { until } from '../rig/index.ts';
import { elapsed, type Site, scenario } from '../scenario/index.ts';
import { Counter, countsIn, countsTo } from './counter.ts';

const flushMs = 1000;

/** A gateway that is killed again and again, with what it had been sent. */
class Killed {
  readonly #site: Site;
  readonly counter: Counter;
  /** Epochs of the runs that were killed. */
  readonly epochs: string[] = [];
  /** Of the present run, by its line a second. */
  #heard = 0;

  constructor(site: Site) {
    this.#site = site;
    this.counter = new Counter(site.radio);
  }

  /** Sends readings to a gateway without a link, and lets them come of age. */
  async heldOnDisk(count: number): Promise<void> {
    const before = this.counter.sent;
    this.#site.gateway.onLine(({ event, readings }) => {
      if (event === 'progress') this.#heard = Number(readings);
    });
    await this.counter.send(count);
    const what = `${count} readings after ${before} are heard`;
    await until(() => this.#heard >= count, { limitMs: 20_000, what });
    // What is older than the flush time is on disk; twice that is generous to the disk.
    await elapsed(2 * flushMs);
  }

  async killAndRestart(): Promise<void> {
    const { gateway } = this.#site;
    this.epochs.push(await gateway.epoch());
    await gateway.kill();
    this.#heard = 0;
    await gateway.start();
    await gateway.said('port-open');
  }

  async cutOff(): Promise<void> {
    const { network, gateway } = this.#site;
    await network.set({ newConnections: 'refuse' });
    network.reset();
    await gateway.said('uplink-lost');
  }
}

export default scenario({
  about:
    'A gateway is killed with its backlog on the disk: the next run delivers it, and lost is at most what was younger than a flush.',
  needs: ['simulated-radio', 'network-faults', 'kill-gateway'],
  timeLimitMs: 150_000,
  async play({ given, when, then, bench }) {
    const site = await given('a gateway whose link can be cut', () => bench.site({ link: 'proxied' }));
    const { gateway, cloud, network } = site;
    const killed = new Killed(site);
    const { counter, epochs } = killed;

    await when('it is killed twice without a link, each time with a backlog on its disk', async () => {
      await killed.cutOff();
      for (let run = 0; run < 2; run++) {
        await killed.heldOnDisk(2000);
        await killed.killAndRestart();
      }
      await killed.heldOnDisk(2000);
    });
    await when('the link is back, and it is killed once more while it drains', async () => {
      // Slow enough to be killed in the middle of it.
      await network.set({ newConnections: 'accept', latencyMs: 50, bytesPerSecond: 4000 });
      await until(() => cloud.readings().length > 0, {
        limitMs: 30_000,
        what: 'the first of the backlog is stored',
      });
      await killed.killAndRestart();
      await network.set({ latencyMs: 0, bytesPerSecond: undefined });
    });
    await then('every reading of age is stored once, in its order', async () => {
      await until(
        async () => {
          await elapsed(100);
          return cloud.readings().length >= counter.sent;
        },
        { limitMs: 30_000, what: 'all of it is stored' },
      );
      // In the order of their epochs, and in each in the order of their numbers.
      const readings = cloud.readings();
      const byEpoch = epochs.flatMap((epoch) => readings.filter((reading) => reading.epoch === epoch));
      equal(byEpoch.length, readings.length);
      deepEqual(countsIn(byEpoch), countsTo(counter.sent));
    });

    let ofAge = 0;
    let afterwards = 0;
    await when('it is killed with readings that are younger than the flush time', async () => {
      await killed.cutOff();
      await killed.heldOnDisk(100);
      ofAge = counter.sent;
      await counter.send(50);
      await killed.killAndRestart();
      await network.set({ newConnections: 'accept' });
      afterwards = counter.sent;
      await counter.send(50);
    });
    await then('those may be lost, nothing else is, and nothing is there twice', async () => {
      await cloud.accountWhere(
        'the last run has delivered',
        ({ stored }, { readings, journal }) => readings === 50 && stored >= 50 && journal.held === 0,
      );
      const counts = countsIn(cloud.readings()).sort((a, b) => a - b);
      equal(counts.length, new Set(counts).size, 'nothing twice');
      const missing = countsTo(counter.sent).filter((count) => !counts.includes(count));
      for (const count of missing) ok(count >= ofAge && count < afterwards, `${count} was of age`);
    });
    await then('no number was used again: each run has its epoch, and no gap is still coming', async () => {
      const { epochs: known } = await cloud.organisation.getLedger({ device: gateway.id });
      equal(known.length, 5);
      for (const { gaps } of known) {
        deepEqual(
          gaps.filter(({ state }) => state === 'coming'),
          [],
        );
      }
    });
  },
});
