import type { Account, StopCause } from '../accounting/index.ts';
import type { Gauge, Limited, Standing } from './gauge.ts';

/** Counts and limits one session: what its door and the router ask before they take anything in. */
export class Meter {
  readonly account: Account;
  /** Whatever it counts for: the device, its credential, its organisation, the address. */
  readonly #gauges: readonly Gauge[];
  readonly #monotonic: () => number;
  readonly #onEnd: () => void;

  /** `monotonic`: ms. */
  constructor(parts: {
    account: Account;
    gauges: readonly Gauge[];
    monotonic: () => number;
    onEnd: () => void;
  }) {
    this.account = parts.account;
    this.#gauges = parts.gauges;
    this.#monotonic = parts.monotonic;
    this.#onEnd = parts.onEnd;
  }

  /**
   * A message of so many bytes has come. Undefined where it may be taken in: it is counted then; otherwise nothing is, but
   * that it was put off.
   */
  deliver(bytes: number): Limited | undefined {
    const now = this.#monotonic();
    for (const gauge of this.#gauges) {
      const limited = gauge.inTheWay('deliver', now);
      if (limited !== undefined) {
        this.account.limited();
        return limited;
      }
    }
    for (const gauge of this.#gauges) gauge.delivered(bytes, now);
    this.account.received(bytes);
    return undefined;
  }

  /** So many readings were in what was taken in. */
  readings(count: number): void {
    const now = this.#monotonic();
    for (const gauge of this.#gauges) gauge.read(count, now);
    this.account.readings(count);
  }

  /** The same as `deliver` for what a person or program asks. */
  ask(): Limited | undefined {
    const now = this.#monotonic();
    for (const gauge of this.#gauges) {
      const limited = gauge.inTheWay('ask', now);
      if (limited !== undefined) {
        this.account.limited();
        return limited;
      }
    }
    for (const gauge of this.#gauges) gauge.asked(now);
    this.account.received(0);
    return undefined;
  }

  /** Its connection has stood for so many milliseconds more. */
  stood(milliseconds: number): void {
    for (const gauge of this.#gauges) gauge.stood(milliseconds);
  }

  /** What is in the way of its connection by now: a quota of its time. */
  overstayed(): Limited | undefined {
    for (const gauge of this.#gauges) {
      const limited = gauge.inTheWay('connect', this.#monotonic());
      if (limited?.code === 'quota-exceeded') return limited;
    }
    return undefined;
  }

  /** Which of its limits leaves least, and how much; undefined where it has none. */
  standing(act: 'deliver' | 'ask'): Standing | undefined {
    const now = this.#monotonic();
    let least: Standing | undefined;
    for (const one of this.#gauges.flatMap((gauge) => gauge.standings(act, now))) {
      if (least === undefined || one.remaining / one.quota < least.remaining / least.quota) least = one;
    }
    return least;
  }

  end(cause: StopCause): void {
    this.account.end(cause);
    this.#onEnd();
  }
}
