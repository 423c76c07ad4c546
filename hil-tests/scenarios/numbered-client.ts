import { randomBytes } from 'node:crypto';
import { gatewayTopic } from '@loadline/sdk/contract';
import { type Entry, encodeBatch } from '@loadline/sdk/telemetry';
import type { MqttClient } from 'mqtt';
import type { SeededRandom } from '../rig/random.ts';

/** Batches on their way at a time. */
const window = 8;
/** Entries of a batch, at most. */
const longestBatch = 16;

interface Run {
  readonly first: number;
  readonly count: number;
}

/**
 * Delivers entries whose value is their number, in batches of random sizes, and remembers which were
 * acknowledged. After a lost connection it sends what was not, cut anew, in another order, together with some that
 * was; and among new batches old ones again. Entry 1 is the anchor, every other a reading of `tag`.
 */
export class NumberedClient {
  static readonly tag = 0x25df;
  /** When number 0 would have been measured, ms since 1970; number n follows n ms later. */
  readonly start = Date.now() - 600_000;
  readonly #gateway: string;
  readonly #random: SeededRandom;
  readonly #epoch = randomBytes(16).toString('hex');
  readonly #boot = randomBytes(16).toString('hex');
  readonly #acknowledged = new Set<number>();
  #next = 1;
  /** Every number below is acknowledged. */
  #owedFrom = 1;
  #published = 0;
  #answered = 0;

  constructor(gateway: string, random: SeededRandom) {
    this.#gateway = gateway;
    this.#random = random;
  }

  /** Numbers of the batches whose PUBACK has come. */
  get acknowledged(): ReadonlySet<number> {
    return this.#acknowledged;
  }

  /** The last number that was ever published. */
  get last(): number {
    return this.#next - 1;
  }

  /** Batches published, and those of them acknowledged. */
  get batches(): { readonly published: number; readonly answered: number } {
    return { published: this.#published, answered: this.#answered };
  }

  /**
   * Publishes over a connection, a window full at a time: what is owed, and then new numbers until `enough`.
   * Resolves when all of it is acknowledged or the connection is lost.
   */
  async send(client: MqttClient, enough: AbortSignal): Promise<'acknowledged' | 'lost'> {
    const owed = this.#owed();
    let inFlight = 0;
    return await new Promise((settle) => {
      const resolve = (how: 'acknowledged' | 'lost') => {
        client.off('close', lost);
        settle(how);
      };
      const lost = () => resolve('lost');
      client.once('close', lost);
      const fill = () => {
        while (inFlight < window) {
          const run = owed.pop() ?? (enough.aborted ? undefined : this.#fresh());
          if (run === undefined) break;
          inFlight++;
          this.#published++;
          const topic = gatewayTopic(this.#gateway, 'telemetry');
          client.publish(topic, Buffer.from(this.#encode(run)), { qos: 1 }, (error) => {
            if (error) return;
            inFlight--;
            this.#answered++;
            for (const number of numbersOf(run)) this.#acknowledged.add(number);
            fill();
          });
        }
        if (inFlight === 0) resolve('acknowledged');
      };
      fill();
    });
  }

  /** What is not acknowledged, with some neighbours that are, cut at random, in random order. */
  #owed(): Run[] {
    const runs: Run[] = [];
    while (this.#acknowledged.has(this.#owedFrom)) this.#owedFrom++;
    for (let first = this.#owedFrom; first < this.#next; ) {
      const run = { first, count: Math.min(this.#random.integer(1, longestBatch), this.#next - first) };
      if (!numbersOf(run).every((number) => this.#acknowledged.has(number))) runs.push(run);
      first += run.count;
    }
    for (let index = runs.length - 1; index > 0; index--) {
      const other = this.#random.integer(0, index);
      [runs[index], runs[other]] = [runs[other] as Run, runs[index] as Run];
    }
    return runs;
  }

  /** A run of new numbers; one time in four an old one that overlaps what was sent before. */
  #fresh(): Run {
    const count = this.#random.integer(1, longestBatch);
    const isOld = this.#next > longestBatch && this.#random.integer(1, 4) === 1;
    const first = isOld ? this.#random.integer(1, this.#next - count) : this.#next;
    this.#next = Math.max(this.#next, first + count);
    return { first, count };
  }

  #encode(run: Run): Uint8Array {
    const header = { epoch: this.#epoch, parent: undefined, boot: this.#boot, oldest: 1, dropped: [] };
    return encodeBatch(
      { ...header, first: run.first },
      numbersOf(run).map((number) => this.#entry(number)),
    );
  }

  #entry(number: number): Entry {
    if (number === 1) return { kind: 'anchor', monotonic: 1, wall: this.start + 1, uncertainty: 0 };
    return {
      kind: 'reading',
      port: 'none',
      base: 1,
      tag: NumberedClient.tag,
      aspect: 'heard',
      calibration: undefined,
      monotonic: number,
      value: { type: 'int32', value: number },
      flags: 0,
      status: 0,
      quality: { kind: 'none' },
    };
  }
}

function numbersOf({ first, count }: Run): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}
