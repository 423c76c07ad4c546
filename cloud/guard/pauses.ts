const hour = 3_600_000;
const firstPauseMs = hour;
const longestPauseMs = 24 * hour;

interface Told<T> {
  /** Nothing is told before this time. */
  next: number;
  pauseMs: number;
  waiting?: T;
}

export interface PausesOptions<T> {
  /** Tells of it; `pauseMs`: how long nothing more of that key is told. */
  readonly onTold: (item: T, key: string, pauseMs: number) => void;
  /** Two that wait are told as one. */
  readonly join: (earlier: T, later: T) => T;
}

/**
 * When people are told of what goes on: of the first of a key at once, and of those that follow in one piece: after an
 * hour, and while it goes on after two, four … up to a day. Times in ms since 1970.
 */
export class Pauses<T> {
  readonly #options: PausesOptions<T>;
  readonly #told = new Map<string, Told<T>>();

  constructor(options: PausesOptions<T>) {
    this.#options = options;
  }

  /** Keys that are told of, or were not long ago. */
  get size(): number {
    return this.#told.size;
  }

  has(key: string): boolean {
    return this.#told.has(key);
  }

  add(key: string, item: T, now: number): void {
    const told = this.#told.get(key);
    if (told === undefined) {
      this.#told.set(key, { next: now + firstPauseMs, pauseMs: firstPauseMs });
      this.#options.onTold(item, key, firstPauseMs);
      return;
    }
    told.waiting = told.waiting === undefined ? item : this.#options.join(told.waiting, item);
    this.tell(now);
  }

  /** Goes on where an earlier process was: it told of the key at `told`, and left people in peace for `pauseMs`. */
  resume(key: string, told: number, pauseMs: number): void {
    this.#told.set(key, { next: told + pauseMs, pauseMs });
  }

  /** Nothing of this key is told any more. */
  drop(key: string): void {
    this.#told.delete(key);
  }

  /** Tells what has waited long enough. */
  tell(now: number): void {
    for (const [key, told] of this.#told) {
      if (told.next > now) continue;
      const { waiting } = told;
      if (waiting !== undefined) {
        told.pauseMs = Math.min(longestPauseMs, told.pauseMs * 2);
        told.next = now + told.pauseMs;
        told.waiting = undefined;
        this.#options.onTold(waiting, key, told.pauseMs);
      } else if (told.next + told.pauseMs <= now) {
        this.#told.delete(key);
      }
    }
  }
}
