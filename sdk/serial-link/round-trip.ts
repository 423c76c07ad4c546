/** Milliseconds an answer is thought to take before any came, and what is waited at least and at most. */
const first = 300;
const least = 50;
const most = 2000;
/** How often it is doubled: a line that spoils questions is not helped by asking less, as a crowded network is. */
const doublings = 2;

/**
 * How long an answer may take before it is asked for: RFC 6298 with its smoothing, and doubled after a time that was in
 * vain. Nothing is sent twice because of it, a small question is; so it may be shorter than a transport's over a network.
 */
export class RoundTrip {
  #smoothed: number | undefined;
  #variation = 0;
  #inVain = 0;

  /** Milliseconds to wait for an answer now. */
  get timeout(): number {
    const expected = this.#smoothed === undefined ? first : this.#smoothed + 4 * this.#variation;
    return Math.min(most, Math.max(least, expected) * 2 ** this.#inVain);
  }

  /** An answer came after `milliseconds`. */
  answered(milliseconds: number): void {
    this.heard();
    if (this.#smoothed === undefined) {
      this.#smoothed = milliseconds;
      this.#variation = milliseconds / 2;
      return;
    }
    this.#variation = 0.75 * this.#variation + 0.25 * Math.abs(this.#smoothed - milliseconds);
    this.#smoothed = 0.875 * this.#smoothed + 0.125 * milliseconds;
  }

  /** Something came that says that answers do come. */
  heard(): void {
    this.#inVain = 0;
  }

  /** The time ran out. */
  inVain(): void {
    this.#inVain = Math.min(doublings, this.#inVain + 1);
  }
}
