/** Milliseconds in which a follower that has fallen behind must take something: else it is gone, and nobody said so. */
const stalledMilliseconds = 30_000;

/** Finds out that the other end of a stream takes nothing any more. `monotonic`: ms. */
export class Stall {
  readonly #monotonic: () => number;
  /** Since when nothing of what lies there was taken, and how much that is. */
  #stood: { readonly since: number; readonly bytes: number } | undefined;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** To be asked now and then, with what is untaken while the follower is behind, `undefined` while it is not. */
  isOver(untakenBytes: number | undefined): boolean {
    const now = this.#monotonic();
    if (untakenBytes === undefined) {
      this.#stood = undefined;
      return false;
    }
    if (this.#stood === undefined || untakenBytes !== this.#stood.bytes) {
      this.#stood = { since: now, bytes: untakenBytes };
    }
    return now - this.#stood.since > stalledMilliseconds;
  }
}
