import type { Log } from '@loadline/sdk/platform';
import type { AccountingOptions, AccountingStore } from './accounting.ts';

const dayMilliseconds = 86_400_000;

/** Rows that go in one transaction at most: deliveries wait no longer than these take. */
const mostRemoved = 500;

/** Takes away what has outlived its time: first where sessions came from, then their records, at last the sums. */
export class AccountingKeeper {
  readonly #parts: { readonly store: AccountingStore; readonly log: Log; readonly now: () => number };
  readonly #options: AccountingOptions;
  readonly #timer: NodeJS.Timeout;
  #closed = false;
  #work: Promise<void>;

  /** Starts with a first round. `now`: ms since 1970. */
  constructor(
    parts: { readonly store: AccountingStore; readonly log: Log; readonly now: () => number },
    options: AccountingOptions,
  ) {
    this.#parts = parts;
    this.#options = options;
    this.#work = this.removeOld();
    this.#timer = setInterval(() => {
      this.#work = this.#work.then(() => this.removeOld());
    }, dayMilliseconds).unref();
  }

  /** Removes it, a bounded number of rows in each transaction. */
  async removeOld(): Promise<void> {
    const { store, log, now } = this.#parts;
    const { recordDays, sourceDays, usageDays } = this.#options;
    const at = now();
    const before = (days: number) => at - days * dayMilliseconds;
    try {
      const write = {
        kind: 'forget-accounting',
        most: mostRemoved,
        recordsBefore: before(recordDays),
        sourcesBefore: before(sourceDays),
        usageBefore: before(usageDays),
      } as const;
      while (!this.#closed && (await store.done(write)) > 0);
    } catch (error) {
      log.error('accounting-keeping-failed', { reason: (error as Error).message });
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closed = true;
    await this.#work;
  }
}
