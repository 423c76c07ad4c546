import type { Log } from '@loadline/sdk/platform';
import { type Judged, judge, type Look, type Patience, type Verdict } from './judge.ts';
import type { ServiceManager } from './service-manager.ts';
import { forgetWedge, noteWedge } from './wedge-note.ts';

export interface WatchdogOptions {
  /** What the gateway looks like now. */
  readonly look: () => Look;
  /** Undefined where nobody watches: then it is judged and said all the same. */
  readonly manager: ServiceManager | undefined;
  /** Read at each look: another configuration may come into force. */
  readonly patience: Omit<Patience, 'period'>;
  /** The gateway's state folder. */
  readonly state: string;
  readonly log: Log;
  /** A line for people, told with each feed. */
  readonly status: () => string;
}

/** Milliseconds between two looks, at most. */
const longestPeriod = 5000;

/**
 * Looks at the gateway at a steady pace, and feeds systemd's watchdog at half its time for as long as the verdict is
 * not that the gateway is wedged. Then it notes why in the state folder and falls silent, and systemd restarts it.
 */
export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #period: number;
  readonly #feedEvery: number;
  readonly #startedAt: number;
  #judged: Judged;
  #fedAt: number;
  #timer: NodeJS.Timeout | undefined;
  #noting: Promise<void> = Promise.resolve();

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#feedEvery = (options.manager?.watchdog ?? Number.POSITIVE_INFINITY) / 2;
    // Two looks for a feed: none comes more than half of half the time late.
    this.#period = Math.min(longestPeriod, this.#feedEvery / 2);
    const look = options.look();
    this.#startedAt = look.at;
    this.#fedAt = look.at;
    this.#judged = judge(undefined, look, this.#patience());
  }

  /** What was judged last. */
  get verdict(): Verdict {
    return this.#judged.verdict;
  }

  /** The gateway has started: says READY=1, and watches from now on. */
  start(): void {
    const { manager, status } = this.#options;
    manager?.ready(status());
    this.#timer = setInterval(() => this.#watch(), this.#period);
    this.#timer.unref();
  }

  /** The gateway stops in order: says STOPPING=1. The feeding ends; stopping has a time limit of its own. */
  async stop(): Promise<void> {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    await Promise.all([this.#options.manager?.stopping(), this.#noting]);
  }

  #patience(): Patience {
    const { wedged, gather } = this.#options.patience;
    return { wedged, gather, period: this.#period };
  }

  #watch(): void {
    const { look, manager, status } = this.#options;
    const before = this.verdict;
    this.#judged = judge(this.#judged, look(), this.#patience());
    const { verdict } = this;
    const { at } = this.#judged.look;
    if (verdict.kind === 'wedged') {
      if (before.kind !== 'wedged') this.#wedged(verdict.what, at);
      return;
    }
    if (before.kind === 'wedged') this.#movesAgain();
    // The next look would come too late.
    if (at - this.#fedAt < this.#feedEvery - this.#period / 2) return;
    this.#fedAt = at;
    manager?.feed(status());
  }

  #wedged(what: string, at: number): void {
    const { log, state } = this.#options;
    log.error('gateway-wedged', { what });
    this.#note(() => noteWedge(state, what, (at - this.#startedAt) / 1000));
  }

  #movesAgain(): void {
    const { log, state } = this.#options;
    log.info('gateway-moves-again');
    this.#fedAt = Number.NEGATIVE_INFINITY;
    this.#note(() => forgetWedge(state));
  }

  #note(write: () => Promise<void>): void {
    this.#noting = this.#noting.then(write).catch((error: Error) => {
      this.#options.log.error('wedge-not-noted', { reason: error.message });
    });
  }
}
