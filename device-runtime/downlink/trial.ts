import type { Held } from './desired-state.ts';

/** One configuration being tried. Whatever decides it first decides it alone. */
export class Trial<Config> {
  readonly held: Held;
  readonly config: Config;
  /** Set once the old link is closed: what is acknowledged from then on came over the new one. */
  applied = false;
  #decided = false;
  readonly #timer: NodeJS.Timeout;

  /** @param onLate called after `limit` ms, unless it was decided before */
  constructor(held: Held, config: Config, limit: number, onLate: () => void) {
    this.held = held;
    this.config = config;
    this.#timer = setTimeout(() => {
      if (this.decide()) onLate();
    }, limit).unref();
  }

  /** Whether the caller is the one who decides it. */
  decide(): boolean {
    if (this.#decided) return false;
    this.#decided = true;
    clearTimeout(this.#timer);
    return true;
  }
}
