/**
 * A token bucket that lends: what is admitted while there is anything in it may take more than there is, and the debt is
 * waited off. So a batch of any size gets through, and what is admitted in any time of `t` seconds is at most
 * `capacity + rate * t`, and the last item.
 */
export class Bucket {
  /** Tokens a second. */
  readonly rate: number;
  readonly capacity: number;
  #tokens: number;
  #at: number;

  /** `now`: ms, monotonic. It begins full. */
  constructor(rate: number, capacity: number, now: number) {
    this.rate = rate;
    this.capacity = Math.max(1, capacity);
    this.#tokens = this.capacity;
    this.#at = now;
  }

  /** Milliseconds until something is admitted; 0: now. */
  wait(now: number): number {
    const missing = 1 - this.#fill(now);
    // What is missing by a rounding of the sums is not missing.
    return missing <= 1e-9 ? 0 : Math.ceil((missing / this.rate) * 1000);
  }

  /** Takes `count` out, whether they are there or not. */
  take(count: number, now: number): void {
    this.#tokens = this.#fill(now) - count;
  }

  /** Whole tokens that are there. */
  left(now: number): number {
    return Math.max(0, Math.floor(this.#fill(now)));
  }

  #fill(now: number): number {
    if (now > this.#at) {
      this.#tokens = Math.min(this.capacity, this.#tokens + ((now - this.#at) / 1000) * this.rate);
      this.#at = now;
    }
    return this.#tokens;
  }
}
