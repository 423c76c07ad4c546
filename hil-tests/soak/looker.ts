import { setTimeout as elapsed } from 'node:timers/promises';
import { CloudError } from '@loadline/sdk/client';
import type { CloudProcess } from '../system/index.ts';
import { gatewayId } from './site.ts';

const betweenMs = 2000;
/** A stream is followed for so long, and then opened anew: what one leaves behind would gather. */
const followMs = 20_000;

/** Somebody who looks at it all the while, as an open page does: lists, accounts, and live readings. */
export class Looker {
  readonly #cloud: CloudProcess;
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();
  #looks = 0;
  #followed = 0;

  constructor(cloud: CloudProcess) {
    this.#cloud = cloud;
  }

  /** How often he looked, and how many live readings he was told. */
  get counts() {
    return { looks: this.#looks, followed: this.#followed };
  }

  start(): void {
    this.#running = Promise.all([this.#look(), this.#follow()]);
    // Who stops him hears of it.
    this.#running.catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #look(): Promise<void> {
    const { organisation } = this.#cloud;
    while (!this.#stop.signal.aborted) {
      await this.#asSomebody(async () => {
        await organisation.listDevices();
        await organisation.getLedger({ device: gatewayId });
        await organisation.listEvents({ device: gatewayId, query: { limit: 100 } });
      });
      this.#looks += 1;
      await elapsed(betweenMs);
    }
  }

  async #follow(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(followMs)]);
      await this.#asSomebody(async () => {
        try {
          for await (const { event, data } of await this.#cloud.organisation.followReadings({}, { signal }))
            if (event === 'readings') for (const { points } of data) this.#followed += points.length;
        } catch (error) {
          if (!signal.aborted) throw error;
        }
      });
    }
  }

  /** A session does not last for ever. */
  async #asSomebody(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof CloudError && error.code === 'unauthenticated')) throw error;
      await this.#cloud.client.logIn({ body: this.#cloud.login });
    }
  }
}
