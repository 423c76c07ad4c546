/** The error of `Bounded.run` when too many wait already: try again in a moment. */
export class TooManyWaiting extends Error {
  override readonly name = 'TooManyWaiting';
}

/**
 * Runs costly tasks, so many at once and no more, first come first served. What waits is bounded too: past that a task
 * is refused at once, so that a flood costs neither memory nor the time of those who come after it.
 */
export class Bounded {
  readonly #atOnce: number;
  readonly #mayWait: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limits: { readonly atOnce: number; readonly mayWait: number }) {
    this.#atOnce = limits.atOnce;
    this.#mayWait = limits.mayWait;
  }

  /**
   * Does `task` when its turn comes.
   * @throws TooManyWaiting, and whatever the task throws
   */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running < this.#atOnce) this.#running += 1;
    else {
      if (this.#waiting.length >= this.#mayWait) throw new TooManyWaiting('too many wait already');
      // Its place is handed on by the one that ends: `#running` stays as it is.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
