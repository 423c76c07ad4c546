/** Who waits for room. */
export interface Waiting {
  /** There is some again: go on. */
  proceed(): void;
}

/** Lines that wait for their commit, of all connections and datagrams together: so many, and no more. */
export class Room {
  readonly #most: number;
  readonly #waiting = new Set<Waiting>();
  #taken = 0;
  #waking = false;

  constructor(most: number) {
    this.#most = most;
  }

  get isFull(): boolean {
    return this.#taken >= this.#most;
  }

  get isEmpty(): boolean {
    return this.#taken === 0;
  }

  enter(): void {
    this.#taken += 1;
  }

  /** One is settled; whoever waits longest goes on, in a turn of the event loop of its own. */
  leave(): void {
    this.#taken -= 1;
    if (this.#waiting.size === 0 || this.#waking) return;
    this.#waking = true;
    setImmediate(() => this.#wake());
  }

  /** `proceed` is called when there is room, once. */
  wait(who: Waiting): void {
    this.#waiting.add(who);
  }

  forget(who: Waiting): void {
    this.#waiting.delete(who);
  }

  #wake(): void {
    this.#waking = false;
    for (const next of this.#waiting) {
      if (this.isFull) return;
      this.#waiting.delete(next);
      next.proceed();
    }
  }
}
