import type { Standing } from '../../access/index.ts';
import type { Caller } from './call.ts';

/**
 * Milliseconds after which it is asked again though nothing has changed: a session that is used counts as used, and is not
 * taken for an idle one.
 */
const longestMilliseconds = 60_000;

/** When what somebody is ends by itself, ms since 1970. */
function endOf(caller: Caller, { grant }: Standing): number {
  return Math.min(caller.expires, grant?.until ?? Number.POSITIVE_INFINITY);
}

/**
 * What the caller of a stream may still see, looked at once a second. The store is asked only where the answer may be
 * another one: something has changed that may change rights, or time is over; of a thousand streams most looks cost
 * nothing.
 */
export class StillMay {
  readonly #again: () => Promise<Standing | undefined>;
  readonly #caller: Caller;
  readonly #store: { readonly changes: number };
  readonly #now: () => number;
  #standing: Standing | undefined;
  /** Changes of the store when it was asked last; what was changed since the request was let in is asked after. */
  #asOf = -1;
  #asked = Number.NEGATIVE_INFINITY;
  #asking = false;

  /** `standing`: what the caller was when the request was let in. `now`: ms since 1970. */
  constructor(parts: {
    again: () => Promise<Standing | undefined>;
    caller: Caller;
    standing: Standing;
    store: { readonly changes: number };
    now: () => number;
  }) {
    this.#again = parts.again;
    this.#caller = parts.caller;
    this.#standing = parts.standing;
    this.#store = parts.store;
    this.#now = parts.now;
  }

  /** What the caller is; undefined once that is nothing any more. */
  get standing(): Standing | undefined {
    return this.#standing;
  }

  /** To be called once a second. */
  async look(): Promise<void> {
    if (this.#asking || this.#standing === undefined || !this.#isDue(this.#standing)) return;
    this.#asking = true;
    // Before the answer: whatever changes while it is on its way is asked after at the next look.
    this.#asOf = this.#store.changes;
    this.#asked = this.#now();
    // A store that cannot answer cannot say that he still is something.
    this.#standing = await this.#again().catch(() => undefined);
    this.#asking = false;
  }

  #isDue(standing: Standing): boolean {
    const now = this.#now();
    return (
      this.#asOf !== this.#store.changes ||
      now >= endOf(this.#caller, standing) ||
      now - this.#asked >= longestMilliseconds
    );
  }
}
