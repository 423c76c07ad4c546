import { witnessEvent } from '@loadline/sdk/audit';
import type { Log } from '@loadline/sdk/platform';
import { type ChainRow, type Store, step } from '../store/index.ts';

const dayMilliseconds = 24 * 3_600_000;

/** Days that the fleet's entries are kept, and those of an organisation that is gone. */
const defaultDays = 730;

/** Entries removed in one transaction at most: deliveries wait no longer than these take. */
const mostRemoved = 500;

/**
 * Looks after the audit log day by day: tells the log of the process the head of each chain, which is what a chain
 * that was cut off or written anew is found by, and removes what has outlived its retention.
 */
export class AuditKeeper {
  readonly #store: Pick<Store, 'read' | 'change'>;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  /** Heads as they were last told. */
  readonly #told = new Map<string | null, number>();
  #closed = false;
  #keptAt: number;
  #work: Promise<void>;

  /** Starts with a first round. `now`: ms since 1970. */
  constructor(parts: { store: Pick<Store, 'read' | 'change'>; log: Log; now: () => number }) {
    this.#store = parts.store;
    this.#log = parts.log;
    this.#now = parts.now;
    this.#keptAt = parts.now();
    this.#work = this.#round();
    this.#timer = setInterval(() => {
      this.#work = this.#work.then(() => this.#round());
    }, dayMilliseconds);
    this.#timer.unref();
  }

  /** Tells the heads, one log line each: all of them, since old logs go, or those that were not told yet. */
  async witness(which: 'all' | 'new'): Promise<void> {
    for (const { organisation, head } of await this.#chains()) {
      if (head.sequence === 0) continue;
      if (which === 'new' && this.#told.get(organisation) === head.sequence) continue;
      this.#log.info(witnessEvent, { organisation, sequence: head.sequence, hash: head.hash });
      this.#told.set(organisation, head.sequence);
    }
  }

  /** Removes the entries that are older than their chain keeps them, a bounded number in each transaction. */
  async removeOld(): Promise<void> {
    for (const { organisation, base, days } of await this.#chains()) {
      const before = this.#now() - (days ?? defaultDays) * dayMilliseconds;
      while (!this.#closed && (await this.#removeSome(organisation, before)));
      const after = (await this.#store.read('auditChain', { organisation }))?.base ?? base;
      if (after.sequence === base.sequence) continue;
      this.#log.info('audit-removed', { organisation, through: after.sequence, hash: after.hash });
    }
  }

  /** Waits for what is under way, and tells the heads a last time: to be called once nothing is written any more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closed = true;
    await this.#work;
    await this.#tried(() => this.witness('new'));
  }

  /** When it last looked after all of it without failing, or began; ms since 1970. A day later it is overdue. */
  get keptAt(): number {
    return this.#keptAt;
  }

  #round(): Promise<void> {
    return this.#tried(async () => {
      await this.witness('all');
      await this.removeOld();
      this.#keptAt = this.#now();
    });
  }

  async #tried(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#log.error('audit-keeping-failed', { reason: (error as Error).message });
    }
  }

  async #removeSome(organisation: string | null, before: number): Promise<boolean> {
    const { done } = await this.#store.change({
      steps: [
        step('moveAuditBase', { organisation, before, most: mostRemoved }, 'some'),
        step('removeBeforeAuditBase', { organisation }),
      ],
      audit: [],
    });
    return done;
  }

  #chains(): Promise<ChainRow[]> {
    return this.#store.read('auditChains', {});
  }
}
