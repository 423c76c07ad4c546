import { strictEqual } from 'node:assert/strict';
import { readReadings } from '@loadline/cloud';
import { CloudError, type OrganisationClient } from '@loadline/sdk/client';
import { until } from '../rig/index.ts';
import type { Account, Health, Run, StoredReading } from './bench.ts';

/** Milliseconds between two questions to the cloud: it takes 1200 a minute from one address. */
const askEveryMs = 100;
const patienceMs = 30_000;

/** Whose account is asked for, and where. */
export interface AccountsOf {
  readonly gatewayId: string;
  /** Epoch of the gateway's present run. */
  readonly epoch: () => Promise<string>;
  /** The client at this moment: a cloud that was started again has another. */
  readonly organisation: () => OrganisationClient;
  /** The cloud's state folder. */
  readonly state: string;
}

/** What a cloud has of one gateway: asked of it by its REST API, and read from its database's files. */
export class Accounts {
  readonly #of: AccountsOf;

  constructor(of: AccountsOf) {
    this.#of = of;
  }

  /** What the cloud has of the present run; undefined while it has nothing. */
  async run(): Promise<Run | undefined> {
    const { gatewayId, epoch, organisation } = this.#of;
    try {
      return await organisation().getRun({ device: gatewayId, epoch: await epoch() });
    } catch (error) {
      if (error instanceof CloudError && error.code === 'not-found') return undefined;
      throw error;
    }
  }

  /** Waits until the present run's account, with the gateway's own beside it, is as `wanted`; checks that it balances. */
  async accountWhere(
    what: string,
    wanted: (run: Run, health: Health) => boolean,
    limitMs = patienceMs,
  ): Promise<Account> {
    let last: Run | undefined;
    try {
      const found = await until(
        async () => {
          const [run] = await Promise.all([this.run(), elapsed(askEveryMs)]);
          last = run ?? last;
          if (!run?.health) return undefined;
          assertBalanced(run.health);
          return wanted(run, run.health) ? run : undefined;
        },
        { limitMs, what },
      );
      const { deliveries } = await this.#of.organisation().getLedger({ device: this.#of.gatewayId });
      return { ...found, rejected: deliveries.rejected };
    } catch (error) {
      throw new Error(`${(error as Error).message}; last: ${JSON.stringify(last)}`, { cause: error });
    }
  }

  /** Waits until `count` readings of the present run are stored, and the gateway knows it and has said so. */
  async stored(count: number, limitMs?: number): Promise<Account> {
    return await this.accountWhere(
      `${count} readings are stored`,
      ({ stored }, { readings, journal }) => stored >= count && readings === stored && journal.held === 0,
      limitMs,
    );
  }

  /** The stored readings in the order of their numbers, epoch after epoch; read from the database's files. */
  readings(): StoredReading[] {
    const epochs = new Map<string, StoredReading[]>();
    for (const { epoch, number, arrival, reading } of readReadings(this.#of.state)) {
      const readings = epochs.get(epoch) ?? [];
      epochs.set(epoch, readings);
      readings.push({ ...reading, epoch, number, written: arrival });
    }
    return [...epochs.values()].flatMap((readings) => readings.sort((a, b) => a.number - b.number));
  }

  /** What the cloud has of the gateway's events, the oldest first: `code subject`. */
  async events(): Promise<string[]> {
    const { items: events } = await this.#of.organisation().listEvents({
      device: this.#of.gatewayId,
      query: { limit: 1000 },
    });
    return events.reverse().map(({ code, subject }) => `${code} ${subject}`.trim());
  }
}

/** Every byte and every frame of a gateway's account is somewhere, and nowhere twice. @throws AssertionError */
export function assertBalanced(health: Health): void {
  const { ports, frames, readings, copies, suppressed, other } = health;
  strictEqual(frames, readings + copies + suppressed + other, 'frames');
  const framesOfPorts = ports.reduce((sum, port) => sum + port.frames, 0);
  strictEqual(framesOfPorts, frames, 'frames of all ports');
  for (const { bytes, frameBytes, discardedBytes, heldBytes } of ports) {
    strictEqual(bytes, frameBytes + discardedBytes + heldBytes, 'bytes');
  }
}

/** Waits for a time that is itself what a scenario is about. */
export function elapsed(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
