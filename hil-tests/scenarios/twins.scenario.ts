// @long
// @time-limit 120 s
import { deepEqual, equal, ok } from 'node:assert/strict';
import { until } from '../rig/index.ts';
import { elapsed, type Radio, type Site, scenario } from '../scenario/index.ts';
import { frameOf, portsAndCounts } from './frames.ts';

/** Tags of the two of the second pair. */
const [mast, crane] = [0x0100, 0x0200];

const names = ['base 1', 'base 2', 'mast', 'crane'] as const;
type Owner = (typeof names)[number];

/** Two pairs of twins: one that base addresses tell apart, one that tags do. */
class Twins {
  readonly #site: Site;
  #value = 0;
  /** What is to be in the store: the port each value belongs to. */
  readonly expected = new Map<number, Owner>();

  constructor(site: Site) {
    this.#site = site;
  }

  /** Sends the next value over an adapter, from a base or under a tag that says whose it is. */
  async send(adapter: Radio, owner: Owner): Promise<void> {
    this.#value += 1;
    const value = this.#value;
    this.expected.set(value, owner);
    const frames = {
      'base 1': () => frameOf(0x3a10, value, { base: 1 }),
      'base 2': () => frameOf(0x3a10, value, { base: 2 }),
      mast: () => frameOf(mast, value),
      crane: () => frameOf(crane, value),
    };
    await adapter.write(frames[owner]());
  }

  /** Each is listened to before its first frame: opening a port throws away what came before. */
  async listening(): Promise<void> {
    await this.#site.cloud.accountWhere('all ports listen', (_, { ports }) =>
      ports.every(({ trouble }) => trouble?.startsWith('listening on ')),
    );
  }

  /** Everything sent is stored, under the port that it belongs to. */
  async allInPlace(): Promise<void> {
    const { cloud } = this.#site;
    await cloud.stored(this.expected.size);
    const wanted = [...this.expected].map(([count, owner]) => `${owner} ${count}`);
    deepEqual(portsAndCounts(cloud.readings()).toSorted(), wanted.toSorted());
  }
}

export default scenario({
  about:
    'Adapters look alike: ports find their own by base address or by tags, also when cables are swapped meanwhile.',
  needs: ['simulated-radio', 'adapters'],
  timeLimitMs: 120_000,
  async play({ given, when, then, bench }) {
    const adapterNames = ['usb-base-A', 'usb-base-B', 'usb-tags-A', 'usb-tags-B'];
    const site = await given('two pairs of adapters that look alike, and a port for each of the four', () =>
      bench.site({
        gateway: 'prepared',
        adapters: adapterNames.slice(0, 1),
        ports: [
          { name: 'base 1', path: 'usb-base-*', base_addresses: [1] },
          { name: 'base 2', path: 'usb-base-*', base_addresses: [2] },
          { name: 'mast', path: 'usb-tags-*', expect_tags: ['0100'] },
          { name: 'crane', path: 'usb-tags-*', expect_tags: ['0200'] },
        ],
      }),
    );
    const { adapters, gateway, cloud, radio: baseA } = site;
    const [baseB, tagsA, tagsB] = [
      await adapters.plugIn('usb-base-B'),
      await adapters.plugIn('usb-tags-A'),
      await adapters.plugIn('usb-tags-B'),
    ];
    const all = [baseA, baseB, tagsA, tagsB];
    const twins = new Twins(site);
    await gateway.start();
    await gateway.said('uplink-connected');
    await twins.listening();

    await when('each of the four answers, in the place of its twin', async () => {
      await twins.send(baseA, 'base 2');
      await twins.send(baseB, 'base 1');
      await twins.send(tagsA, 'crane');
      await twins.send(tagsB, 'mast');
    });
    await then('they are told apart by what answers, from the first frame on', async () => {
      await twins.allInPlace();
      const { health } = await cloud.stored(4);
      ok(health?.ports.every(({ open, frames }) => open && frames === 1));
    });

    await when('all are unplugged, and plugged in at each other’s place', async () => {
      await Promise.all(all.map((adapter) => adapter.unplug()));
      for (const name of names) await gateway.said('port-lost', { subject: name });
      await Promise.all(all.map((adapter) => adapter.replug()));
      await twins.listening();
      await twins.send(baseA, 'base 1');
      await twins.send(baseB, 'base 2');
      await twins.send(tagsA, 'mast');
      await twins.send(tagsB, 'crane');
    });
    await then('each port finds its own again', () => twins.allInPlace());

    const before = cloud.readings().length;
    const swapped = () =>
      cloud
        .readings()
        .slice(before)
        .map(({ port, value }) => ({
          port,
          owner: twins.expected.get(Number('value' in value && value.value)),
        }));
    await when('the radios of two are swapped while both are open', () =>
      until(
        async () => {
          await twins.send(baseA, 'base 2');
          await twins.send(baseB, 'base 1');
          await elapsed(25);
          return new Set(swapped().map(({ port }) => port)).size === 2;
        },
        { limitMs: 30_000, what: 'both are heard again' },
      ),
    );
    await then('the ports change places, and no frame goes under the wrong name', () => {
      for (const { port, owner } of swapped()) equal(port, owner);
    });
    await then(
      'the cloud was told of every loss and every swap, and that all is well in the end',
      async () => {
        const told = (await cloud.events()).filter((event) => event.startsWith('port-'));
        const codes = new Set(told.map((event) => event.split(' ')[0]));
        // Until a swap was seen to be one, what answered was the wrong device.
        deepEqual([...codes].toSorted(), ['port-lost', 'port-open', 'port-wrong-device']);
        for (const port of names) {
          equal(
            told.findLast((event) => event.endsWith(` ${port}`)),
            `port-open ${port}`,
          );
        }
      },
    );
  },
});
