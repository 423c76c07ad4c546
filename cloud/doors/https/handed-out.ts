import { LRUCache } from 'lru-cache';
import { Bucket } from '../../limits/index.ts';
import { Problem } from './problem.ts';

/** Files that one gateway may be sent at a time: it takes one after the other. */
const filesAtATime = 4;

/**
 * Bytes that one gateway may be sent in a day: a whole release has some 33 MB packed, so that this is for one that has begun
 * anew a dozen times. Who takes the same again and again takes the line from those whose readings come over it.
 */
const dailyBytes = 512 * 1024 * 1024;

const daySeconds = 86_400;

/** Gateways whose bytes are remembered; those that took something longest ago go first, and begin anew. */
const mostRemembered = 50_000;

/** What gateways are sent of the repository of releases: so many files at a time, and so many bytes a day, each. */
export class HandedOut {
  readonly #monotonic: () => number;
  /** Files on their way, by gateway. */
  readonly #sending = new Map<string, number>();
  readonly #left = new LRUCache<string, Bucket>({ max: mostRemembered });

  /** `monotonic`: ms. */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /**
   * A file begins. Returns what is to be called once it is over, with the bytes that were sent.
   *
   * @throws Problem 429 where it may not, with the seconds to wait
   */
  begin(gateway: string): (bytes: number) => void {
    const open = this.#sending.get(gateway) ?? 0;
    if (open >= filesAtATime) {
      throw new Problem(429, 'rate-limited', `${open} files are on their way to you: take those first`, 1);
    }
    const now = this.#monotonic();
    const left = this.#left.get(gateway) ?? new Bucket(dailyBytes / daySeconds, dailyBytes, now);
    const seconds = Math.ceil(left.wait(now) / 1000);
    if (seconds > 0) {
      const detail = `you were sent ${dailyBytes / 1024 / 1024} MiB of releases within a day`;
      throw new Problem(429, 'quota-exceeded', detail, seconds);
    }
    this.#left.set(gateway, left);
    this.#sending.set(gateway, open + 1);
    return (bytes) => {
      left.take(bytes, this.#monotonic());
      const others = (this.#sending.get(gateway) ?? 1) - 1;
      if (others > 0) this.#sending.set(gateway, others);
      else this.#sending.delete(gateway);
    };
  }
}
