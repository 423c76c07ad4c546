/** Which serial ports are open, and since when: silence on a closed one says nothing of a sensor. */
export class Ports {
  /** When each was opened; undefined while it is closed. */
  readonly #openSince = new Map<string, number | undefined>();
  readonly #startedAt: number;

  constructor(names: readonly string[], startedAt: number) {
    for (const name of names) this.#openSince.set(name, undefined);
    this.#startedAt = startedAt;
  }

  changed(name: string, open: boolean, now: number): void {
    if (!open) this.#openSince.set(name, undefined);
    else if (this.#openSince.get(name) === undefined) this.#openSince.set(name, now);
  }

  /** Since when a port has been open; undefined while it is closed. A port nobody named is taken for open. */
  openSince(name: string): number | undefined {
    return this.#openSince.has(name) ? this.#openSince.get(name) : this.#startedAt;
  }

  /** Since when all of them have been open; undefined while one is closed. */
  get allOpenSince(): number | undefined {
    let latest = this.#startedAt;
    for (const since of this.#openSince.values()) {
      if (since === undefined) return undefined;
      if (since > latest) latest = since;
    }
    return latest;
  }
}
