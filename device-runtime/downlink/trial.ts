import type { Held } from './desired-state.ts';

/** Does `work` once, after so many milliseconds, unless what it gives is called before. */
export type After = (milliseconds: number, work: () => void) => () => void;

/** By the clock of the machine; keeps no program alive. */
export const after: After = (milliseconds, work) => {
  const timer = setTimeout(work, milliseconds).unref();
  return () => clearTimeout(timer);
};

/** One configuration being tried. Whatever decides it first decides it alone. */
export class Trial<Config> {
  readonly held: Held;
  readonly config: Config;
  /** Set once the old link is closed: what is acknowledged from then on came over the new one. */
  applied = false;
  #decided = false;
  readonly #endLimit: () => void;

  /** @param limit calls what it is given once, when the trial has taken too long; then `onLate`, unless it was decided before */
  constructor(held: Held, config: Config, limit: (late: () => void) => () => void, onLate: () => void) {
    this.held = held;
    this.config = config;
    this.#endLimit = limit(() => {
      if (this.decide()) onLate();
    });
  }

  /** Whether the caller is the one who decides it. */
  decide(): boolean {
    if (this.#decided) return false;
    this.#decided = true;
    this.#endLimit();
    return true;
  }
}
