/**
 * A token bucket: bytes may be taken as they come, and cost a wait where they come faster than the rate. A rate that
 * changes holds from the next take on.
 */
export class Bucket {
  readonly #monotonic: () => number;
  /** Bytes that may be taken without a wait; below nothing, they have been taken ahead of their time. */
  #tokens = 0;
  #at: number;

  /** @param monotonic milliseconds */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
    this.#at = monotonic();
  }

  /**
   * Takes bytes that have come.
   *
   * @param rate bytes a second; undefined is without a limit
   * @returns milliseconds to wait before more may come
   */
  take(bytes: number, rate: number | undefined): number {
    const now = this.#monotonic();
    const passed = Math.max(0, now - this.#at);
    this.#at = now;
    if (rate === undefined) {
      this.#tokens = 0;
      return 0;
    }
    // What was not used within a second is lost: a pause is not made up for by a burst.
    this.#tokens = Math.min(rate, this.#tokens + (passed * rate) / 1000) - bytes;
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens * 1000) / rate);
  }
}
