import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DeliveryOutcome, Store } from '@loadline/cloud/store';
import { delivery, device, firstGateway } from '@loadline/cloud/store/test-store';
import { decodeBatch, type Entry } from '@loadline/sdk/telemetry';
import { SeededRandom } from '../rig/random.ts';

/** 2026-01-01T00:00Z: what fills a store begins here, ms since 1970. */
export const begin = Date.UTC(2026, 0, 1);

/** Deliveries on their way into the store at a time, so that groups are committed together. */
const inFlight = 64;

/** What the sensors of a filled store say. */
export const slowSensors =
  'float32, each a walk of N(0, 0.01) a second rounded to 0.01, 1 Hz with a jitter of N(0, 3 ms), RSSI and CV that ' +
  'wander by some units';

/** A store on disk, encrypted and synced as shipped, into which a bench writes as the router does. */
export class FilledStore {
  readonly store: Store;
  readonly #folder: string;
  readonly #pending = new Set<Promise<void>>();
  #next = 0;

  private constructor(store: Store, folder: string) {
    this.store = store;
    this.#folder = folder;
  }

  static async open(): Promise<FilledStore> {
    const folder = await mkdtemp(join(tmpdir(), 'loadline-store-bench-'));
    const store = await Store.open({ file: join(folder, 'loadline.db'), key: 'a5'.repeat(32) }, (reason) => {
      throw new Error(reason);
    });
    await store.change({ steps: firstGateway, audit: [] });
    const filled = new FilledStore(store, folder);
    await filled.deliver([{ kind: 'anchor', monotonic: 0, wall: begin, uncertainty: 5 }]);
    await filled.settled();
    return filled;
  }

  /** Commits a delivery of these entries; resolves once there is room for the next. */
  async deliver(entries: readonly Entry[]): Promise<void> {
    const write = delivery(this.#next, entries);
    this.#next += entries.length;
    const stored = new Promise<DeliveryOutcome>((resolve, reject) => {
      this.store.write(write, (outcome) => {
        if (outcome.kind === 'delivery') resolve(outcome);
        else reject(new Error(`not stored: ${JSON.stringify(outcome)}`));
      });
    }).then(({ id, fresh, timeline }) => {
      this.store.index.add(device, decodeBatch(write.body), fresh, timeline, Date.now());
      if (id !== undefined) this.store.indexed(id);
    });
    this.#pending.add(stored);
    stored.finally(() => this.#pending.delete(stored)).catch(() => undefined);
    if (this.#pending.size >= inFlight) await Promise.race(this.#pending);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }

  async close(): Promise<void> {
    await this.store.close();
    await rm(this.#folder, { recursive: true });
  }
}

/** One slow sensor: its readings second by second. */
export class SlowSensor {
  readonly #random: SeededRandom;
  readonly #tag: number;
  #value = 21.5;
  #fading = 0;

  constructor(tag: number) {
    this.#tag = tag;
    this.#random = new SeededRandom(tag);
  }

  /** Its reading of a second after `begin`. */
  at(second: number): Entry {
    const random = this.#random;
    this.#value += random.normal() * 0.01;
    this.#fading += random.normal() * 0.3 - this.#fading * 0.02;
    const around = (mean: number) =>
      Math.min(255, Math.max(0, Math.round(mean + this.#fading + random.normal() * 0.6)));
    return {
      kind: 'reading',
      port: 'radio',
      base: 1,
      tag: this.#tag,
      aspect: 'heard',
      calibration: undefined,
      monotonic: Math.max(0, second * 1000 + Math.round(random.normal() * 3)),
      value: { type: 'float32', value: Math.fround(Math.round(this.#value * 100) / 100) },
      flags: 0,
      status: 0,
      quality: { kind: 'radio', rssi: around(200), cv: around(230) },
    };
  }
}
