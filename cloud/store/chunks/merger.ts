import type { AsideAnswer } from '../writer.ts';
import type { SliceSize, Tail } from './slice.ts';
import type { MergeWrite } from './writes.ts';

/** When a device's deliveries are merged: at this many, or so many entries in them, or when the first is so old. */
const dueDeliveries = 64;
const dueEntries = 16_384;
const dueMilliseconds = 600_000;

/** How often it is looked whether something is due. */
const lookMilliseconds = 5000;

/** The largest slice, and the least share of it: what the writer takes longer for is cut smaller. */
const largest: SliceSize = { deliveries: 2048, readings: 65_536, series: 512 };
const leastShare = 1 / 64;
/** What a slice may take of the writer's time, in ms: above the first it is cut, below the second it grows. */
const tooLong = 12;
const short = 4;

/** What the merger works with. */
export interface MergerParts {
  readonly tails: () => Promise<readonly Tail[]>;
  readonly slice: (device: number, size: SliceSize) => Promise<MergeWrite | undefined>;
  readonly apply: (write: MergeWrite) => Promise<AsideAnswer>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** How merging goes. */
export interface Merging {
  /** Deliveries not merged yet, when it was last looked; undefined before. */
  readonly backlog: number | undefined;
  /** Slices that could not be taken, and why the last could not. */
  readonly failures: number;
  readonly lastFailure: string | undefined;
}

/**
 * Has deliveries merged, a slice after the other: prepared on the merging thread, taken by the writer when nobody waits
 * for it. After each slice it pauses for as long as that took: half a core is left to what comes in.
 */
export class Merger {
  readonly #parts: MergerParts;
  readonly #timer: NodeJS.Timeout;
  #turn: Promise<void> = Promise.resolve();
  #share = 1 / 8;
  #closing = false;
  #waiting = false;
  #backlog: number | undefined;
  #failures = 0;
  #lastFailure: string | undefined;

  constructor(parts: MergerParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => {
      // A turn that is still going on sees what has become due meanwhile.
      if (!this.#waiting) void this.#next((tail) => this.#isDue(tail), 1);
    }, lookMilliseconds);
    this.#timer.unref();
  }

  get merging(): Merging {
    return { backlog: this.#backlog, failures: this.#failures, lastFailure: this.#lastFailure };
  }

  /** Merges all that can be merged now, without pauses. */
  all(): Promise<void> {
    return this.#next(() => true, 0);
  }

  /** Ends it; resolves once the slice under way is taken. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closing = true;
    await this.#turn;
  }

  #next(isDue: (tail: Tail) => boolean, pauses: number): Promise<void> {
    this.#waiting = true;
    this.#turn = this.#turn.then(async () => {
      try {
        const tails = this.#closing ? [] : await this.#parts.tails();
        this.#backlog = tails.reduce((sum, { deliveries }) => sum + deliveries, 0);
        for (const tail of tails) if (isDue(tail)) await this.#try(tail.device, pauses);
      } catch (error) {
        this.#fail((error as Error).message);
      }
      this.#waiting = false;
    });
    return this.#turn;
  }

  #isDue({ deliveries, entries, oldest }: Tail): boolean {
    return (
      deliveries >= dueDeliveries || entries >= dueEntries || this.#parts.now() - oldest >= dueMilliseconds
    );
  }

  /** What of one device cannot be read keeps no other's from being merged. */
  async #try(device: number, pauses: number): Promise<void> {
    try {
      await this.#merge(device, pauses);
    } catch (error) {
      this.#fail(`device ${device}: ${(error as Error).message}`);
    }
  }

  async #merge(device: number, pauses: number): Promise<void> {
    while (!this.#closing) {
      const began = performance.now();
      const slice = await this.#parts.slice(device, this.#size());
      if (slice === undefined) return;
      const prepared = performance.now();
      const { outcome, milliseconds } = await this.#parts.apply(slice);
      // What has changed meanwhile, or cannot be written now, is left for the next turn.
      if (outcome.kind !== 'done') {
        this.#fail(outcome.kind === 'failed' ? outcome.message : `unexpected outcome ${outcome.kind}`);
        return;
      }
      this.#backlog = Math.max(0, (this.#backlog ?? 0) - outcome.changed);
      if (milliseconds > tooLong) this.#share = Math.max(this.#share / 2, leastShare);
      else if (milliseconds < short) this.#share = Math.min(this.#share * 1.5, 1);
      if (pauses > 0) await elapsed((prepared - began + milliseconds) * pauses);
    }
  }

  #size(): SliceSize {
    const of = (most: number) => Math.max(1, Math.floor(most * this.#share));
    return { deliveries: of(largest.deliveries), readings: of(largest.readings), series: of(largest.series) };
  }

  #fail(reason: string): void {
    this.#failures += 1;
    this.#lastFailure = reason;
  }
}

function elapsed(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
