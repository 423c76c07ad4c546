import { join } from 'node:path';
import type { Reading } from '@loadline/sdk/telemetry';
import { type Config, loadConfig } from '../config/index.ts';
import { askStatus } from '../control/index.ts';
import { examine } from '../doctor/index.ts';
import { Gateway } from '../gateway.ts';
import { DiskJournal, heldReadings } from '../journal/index.ts';
import type { Latencies } from '../progress.ts';
import type { World } from '../world.ts';
import type { Work } from './agent.ts';
import { hasNetwork } from './board.ts';
import type { Tap } from './listening.ts';
import { names } from './site-files.ts';
import type { SiteStore } from './store.ts';
import { Trial } from './trial.ts';

/** The gateway of what is in force, while it works: it is made anew for each site. */
export class SiteWork implements Work {
  readonly trial: Trial;
  readonly #world: World;
  readonly #store: SiteStore;
  readonly #latencies: (() => Latencies) | undefined;
  readonly #onSwitch: () => void;
  readonly #listeners = new Set<(reading: Reading) => void>();
  #gateway: Gateway | undefined;
  #config: Config | undefined;
  /** Why there is none. */
  #reason = 'nothing is in force';

  /**
   * @param latencies where to note how long readings take; left out where nobody asks
   * @param onSwitch this process is to end, so that its launcher starts another release
   */
  constructor(
    world: World,
    store: SiteStore,
    latencies: (() => Latencies) | undefined,
    onSwitch: () => void,
  ) {
    this.#world = world;
    this.#latencies = latencies;
    this.#onSwitch = onSwitch;
    this.#store = store;
    this.trial = new Trial({
      look: async () => {
        const config = this.#config;
        const status = config && (await askStatus(config.control.socket).catch(() => undefined));
        return {
          hasNetwork: hasNetwork(),
          status,
          reason: this.#reason,
          delivered: this.#gateway?.delivered,
        };
      },
      findings: async () => {
        const config = this.#config;
        return config === undefined ? [] : (await examine(config, world.clock.wall())).findings;
      },
    });
  }

  get gateway(): Gateway | undefined {
    return this.#gateway;
  }

  /** Why the gateway does not work. */
  get reason(): string {
    return this.#reason;
  }

  async undelivered(): Promise<number> {
    if (this.#gateway !== undefined) return this.#gateway.undelivered;
    const folder = this.#store.currentFolder;
    return folder === undefined ? 0 : await heldIn(join(folder, names.state), this.#world);
  }

  async start(): Promise<void> {
    const { log } = this.#world;
    const folder = this.#store.currentFolder;
    if (folder === undefined) return;
    try {
      const local = loadConfig(join(folder, names.configuration));
      const gateway = await Gateway.open(local, this.#world, this.#latencies?.());
      gateway.onHeard = (reading) => {
        for (const listener of this.#listeners) listener(reading);
      };
      gateway.onSwitch = this.#onSwitch;
      this.#gateway = gateway;
      this.#config = local.config;
      this.#reason = '';
      gateway.start().catch((error: Error) => {
        // Told to stop before it had an identity.
        if (this.#gateway !== gateway) return;
        this.#reason = error.message;
        log.error('gateway-not-at-work', { reason: error.message });
      });
    } catch (error) {
      this.#reason = (error as Error).message;
      log.error('gateway-not-at-work', { reason: this.#reason });
    }
  }

  async stop(): Promise<void> {
    const gateway = this.#gateway;
    this.#gateway = undefined;
    this.#config = undefined;
    this.#reason = 'it was stopped';
    await gateway?.stop();
  }

  isProvisioned(): boolean {
    return this.#store.inForce !== undefined;
  }

  /** See `Updates.hold`; nothing comes over the air to a gateway that does not work. */
  async holdUpdates(why: string | undefined): Promise<boolean> {
    return (await this.#gateway?.holdUpdates(why)) ?? true;
  }

  /** Bytes of the disk that its journal may still take. */
  journalRoom(): number {
    return this.#gateway?.journalRoom ?? 0;
  }

  /** What it hears, for whoever listens. */
  tap(): Tap | undefined {
    const gateway = this.#gateway;
    const config = this.#config;
    if (gateway === undefined || config === undefined) return undefined;
    return {
      begin: (onReading) => {
        this.#listeners.add(onReading);
        return () => {
          this.#listeners.delete(onReading);
        };
      },
      pathOf: (name) => config.ports.find((port) => port.name === name)?.path ?? name,
    };
  }
}

/** Readings in the journal of a state folder that no gateway works on. @throws FolderInUse where one does */
export async function heldIn(state: string, world: Pick<World, 'clock'>): Promise<number> {
  const { boot, wall, monotonic } = world.clock;
  const journal = await DiskJournal.open({
    folder: join(state, 'journal'),
    boot,
    // Nothing is appended, and nothing dropped.
    maxBytes: Number.MAX_SAFE_INTEGER,
    flushMilliseconds: 1000,
    now: wall,
    monotonic,
    onEvent: () => {},
  });
  try {
    return heldReadings(journal);
  } finally {
    await journal.close();
  }
}
