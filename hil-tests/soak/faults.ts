import { setTimeout as elapsed } from 'node:timers/promises';
import { noise } from '../fuzz/spoil.ts';
import { type Faults, RigError, VirtualPort } from '../rig/index.ts';
import type { SeededRandom } from '../rig/random.ts';
import { healed, type SoakSite } from './site.ts';

/** Something that goes wrong for a while, and is well again when it resolves. */
export interface Fault {
  readonly name: string;
  carryOut(site: SoakSite, random: SeededRandom, ms: number): Promise<void>;
}

/** Faults of the ways to the cloud, of which there is one at a time. */
export const networkFaults: readonly Fault[] = [
  lasting('a long way', (random) => ({ latencyMs: random.integer(20, 400) })),
  lasting('a thin line', (random) => ({ bytesPerSecond: random.integer(2_000, 20_000) })),
  lasting('segments lost', (random) => ({ loss: { rate: random.integer(2, 20) / 100 } })),
  lasting('frozen', () => ({ flow: 'freeze' })),
  {
    name: 'no network',
    async carryOut(site, _, ms) {
      for (const proxy of site.proxies) {
        await proxy.set({ newConnections: 'refuse' });
        proxy.reset();
      }
      await elapsed(ms);
      await healed(site);
    },
  },
  {
    name: 'reset',
    async carryOut({ proxies }) {
      for (const proxy of proxies) proxy.reset();
    },
  },
  {
    name: 'half-open',
    async carryOut(site, _, ms) {
      for (const proxy of site.proxies) proxy.halfOpen();
      await elapsed(ms);
      await healed(site);
    },
  },
];

/** Faults between the radio and the gateway, of which there is one at a time. */
export const radioFaults: readonly Fault[] = [
  {
    name: 'noise',
    async carryOut({ line }, random, ms) {
      for (const end = performance.now() + ms; performance.now() < end; ) {
        await ifPlugged(line.write(noise(random, 300)));
        await elapsed(random.integer(5, 100));
      }
    },
  },
  {
    name: 'bits turned',
    async carryOut(site, random, ms) {
      await site.doubtful(async () => {
        site.line.flipBits(random.integer(1, 50) / 10_000);
        await elapsed(ms);
        site.line.flipBits(0);
        // What is being written has them still.
        await elapsed(500);
      });
    },
  },
  {
    name: 'brown-out',
    async carryOut(site, random) {
      await site.doubtful(async () => {
        site.line.brownOut({
          afterBytes: random.integer(0, 100),
          lostBytes: random.integer(1, 200),
          garbageBytes: random.integer(0, 100),
        });
        await elapsed(1000);
      });
    },
  },
  {
    name: 'unplugged',
    carryOut: (site, _, ms) => site.doubtful(() => unplugged(site, () => elapsed(ms))),
  },
  {
    name: 'another number',
    async carryOut(site, _, ms) {
      await site.doubtful(async () => {
        const strangers: VirtualPort[] = [];
        await unplugged(site, async () => {
          // It takes the number that is free, so that the port comes back under another.
          strangers.push(await VirtualPort.open());
          await elapsed(ms / 4);
        });
        for (const stranger of strangers) await stranger.close();
      });
    },
  },
];

function lasting(name: string, faults: (random: SeededRandom) => Partial<Faults>): Fault {
  return {
    name,
    async carryOut(site, random, ms) {
      const drawn = faults(random);
      for (const proxy of site.proxies) await proxy.set(drawn);
      await elapsed(ms);
      await healed(site);
    },
  };
}

/** Pulls the plug, has something done, puts it back, and waits until the gateway hears what comes by it. */
async function unplugged(site: SoakSite, meanwhile: () => Promise<void>): Promise<void> {
  await site.port.unplug();
  await meanwhile();
  await site.port.replug();
  await site.hears();
}

/** Noise into a port that is not there is no noise. */
async function ifPlugged(written: Promise<void>): Promise<void> {
  await written.catch((error: unknown) => {
    if (!(error instanceof RigError && error.code === 'unplugged')) throw error;
  });
}
