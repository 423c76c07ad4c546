import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { ReleaseManager } from '../scenarios/release-manager.ts';
import { variant } from '../scenarios/updated-site.ts';
import { type EmulatedSite, gatewayId } from './emulated-site.ts';
import type { MachineMaterial } from './material.ts';
import type { Rung } from './rung.ts';

/** Milliseconds from a wish to its end: what is fetched, unpacked and started goes at an emulator's pace. */
const patience = 900_000;
/** How often the cloud is asked how far it is. */
const askEvery = 500;
/** Seconds that a release has for reporting health: a start takes half a minute under emulation. */
const healthSeconds = { good: 300, bad: 60 };

/** Put before a program, after its first line: no connection is made any more. */
const noWay = `import __net from 'node:net';
__net.Socket.prototype.connect = function () { queueMicrotask(() => this.destroy(new Error('no way'))); return this; };`;

/** Releases that come to an emulated gateway after the one in its image. */
export class Updates {
  readonly #rung: Rung;
  readonly #site: EmulatedSite;
  readonly #material: MachineMaterial;
  readonly #manager: ReleaseManager;

  constructor(rung: Rung, site: EmulatedSite, material: MachineMaterial) {
    this.#rung = rung;
    this.#site = site;
    this.#material = material;
    this.#manager = ReleaseManager.return(site.bench.cloud, material.manager);
  }

  /** A second release, rolled out to all. */
  async goThrough(): Promise<void> {
    await this.#rung.show('takes a second release over the air, which proves itself', async () => {
      await this.publish('9.1.0', (built) => built, healthSeconds.good);
      const { id: rollout } = await this.#site.bench.cloud.client.createRollout({
        body: { release: '9.1.0', target: 'linux-arm64', ring: 'all' },
      });
      const { slot } = await this.#ends('confirmed');
      await this.#site.bench.cloud.client.patchRollout({ rollout, body: { state: 'finished' } });
      return `9.1.0 runs from slot ${slot}; ${await this.#site.delivers(20)} readings stored`;
    });
  }

  /** A third one that starts and reaches no cloud. */
  async goBack(): Promise<void> {
    await this.#rung.show('goes back by itself from a release that does not prove itself', async () => {
      await this.publish(
        '9.2.0',
        (built) => {
          const [first = '', ...rest] = built.split('\n');
          return [first, noWay, ...rest].join('\n');
        },
        healthSeconds.bad,
      );
      await this.pin('9.2.0');
      const { release, slot, detail } = await this.#ends('rolled-back');
      await this.pin(null);
      assert.is(release, '9.1.0');
      return `9.1.0 runs from slot ${slot}: ${detail}; ${await this.#site.delivers(20)} readings stored`;
    });
  }

  /** Signs a release that differs in its program, and brings it to the cloud. */
  async publish(
    version: string,
    program: (built: string) => string,
    seconds = healthSeconds.good,
  ): Promise<void> {
    const { release } = this.#material;
    const asVersion = (built: string) => program(built.replaceAll(release.version, version));
    await this.#manager.publish([await variant(release, version, asVersion, seconds)]);
  }

  /** Has the gateway kept at a release. */
  async pin(version: string | null): Promise<void> {
    const { organisation } = this.#site.bench.cloud;
    await organisation.patchUpdate({ device: gatewayId, body: { pin: version } });
  }

  /** What the gateway said last of the release that it runs. */
  async running() {
    return (await this.#site.bench.cloud.organisation.getUpdate({ device: gatewayId })).running;
  }

  async #ends(state: 'confirmed' | 'rolled-back') {
    let last: unknown;
    try {
      return await until(
        async () => {
          await new Promise((resolve) => setTimeout(resolve, askEvery));
          const running = await this.running();
          last = running;
          if (running?.state === 'refused')
            throw new Error(`it was refused: ${running.code} ${running.detail}`);
          return running?.state === state ? running : undefined;
        },
        { limitMs: patience, what: `the update is ${state}` },
      );
    } catch (error) {
      throw new Error(`${(error as Error).message}; last it said ${JSON.stringify(last)}`, { cause: error });
    }
  }
}
