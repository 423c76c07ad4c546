import type { Log } from '@loadline/sdk/platform';
import { type AccountingRecord, dayOf, type Store } from '../store/index.ts';
import { Account, type Door, type StopCause } from './account.ts';
import { recordsOf } from './records.ts';
import { Spending } from './spending.ts';
import type { Subject } from './subject.ts';

/** How accounts are kept. */
export interface AccountingOptions {
  /** Milliseconds between two records of a session in which something happens: what a crash loses at most. */
  readonly interimMilliseconds: number;
  /** Milliseconds without anything coming, after which a session without a connection has stopped. */
  readonly idleMilliseconds: number;
  /** Days that records are kept, the addresses that sessions came from, and the sums by day. */
  readonly recordDays: number;
  readonly sourceDays: number;
  readonly usageDays: number;
}

export const usualAccounting: AccountingOptions = {
  interimMilliseconds: 5 * 60_000,
  idleMilliseconds: 10 * 60_000,
  recordDays: 400,
  sourceDays: 30,
  usageDays: 3660,
};

/** How often a session is recorded in which nothing happens, in ms: only its time passes. */
const quietMilliseconds = 3_600_000;

/** How often the cloud says at least that it is at work, in ms. */
const aliveMilliseconds = 60_000;

const dayMilliseconds = 86_400_000;

/** What accounting needs of the store. */
export type AccountingStore = Pick<Store, 'done' | 'read' | 'changes'>;

/**
 * Keeps accounts of sessions, as RADIUS does (RFC 2866): start, interim and stop, each with what came since the last.
 * What is counted stands in memory, and is written down together once a second at most.
 */
export class Accounting {
  readonly #store: AccountingStore;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #options: AccountingOptions;
  readonly #accounts = new Set<Account>();
  /** Sessions without a connection, by whose they are. */
  readonly #visits = new Map<string, Account>();
  readonly #visitKeys = new WeakMap<Account, string>();
  readonly #spendings = new Map<string, Spending>();
  #records: AccountingRecord[] = [];
  #writing: Promise<void> | undefined;
  #day: number;
  /** The latest day that there was: quotas are of it. */
  #quotaDay: number;
  #month: number;
  #alive = 0;
  /** The store's count of changes after which sessions without a connection were looked at. */
  #asked: number;
  #timer: NodeJS.Timeout | undefined;

  private constructor(
    parts: { store: AccountingStore; log: Log; now: () => number },
    options: AccountingOptions,
  ) {
    this.#store = parts.store;
    this.#log = parts.log;
    this.#now = parts.now;
    this.#options = options;
    this.#day = dayOf(parts.now());
    this.#quotaDay = this.#day;
    this.#month = monthOf(parts.now());
    this.#asked = parts.store.changes;
  }

  /**
   * Closes the sessions that a crash left open, at their last interval, and learns what is used already of this day and
   * month. `now`: ms since 1970.
   */
  static async open(
    parts: { store: AccountingStore; log: Log; now: () => number },
    options: AccountingOptions = usualAccounting,
  ): Promise<Accounting> {
    const accounting = new Accounting(parts, options);
    await accounting.#closeLost();
    await accounting.#remember();
    return accounting;
  }

  /** A session on a connection begins; it stops by its `end`. `source`: the address it comes from. */
  begin(subject: Subject, door: Door, source: string): Account {
    const now = this.#now();
    const account = new Account({
      ...{ subject, door, now },
      interimMilliseconds: this.#options.interimMilliseconds,
      spendings: this.#spendingsOf(subject),
      end: (ended, cause) => this.#ended(ended, cause),
    });
    this.#accounts.add(account);
    const { person } = subject;
    const counts = account.take();
    this.#records.push({ ...account.session, kind: 'start', from: now, to: now, ...counts, source, person });
    return account;
  }

  /**
   * The session of who has no connection that would be one: it begins with what comes first, and has stopped when nothing
   * has come for a while. To be asked for each request or datagram.
   */
  visit(subject: Subject, door: Door, source: string): Account {
    const { kind, id, organisation, credential } = subject;
    const key = `${door} ${kind} ${id} ${organisation} ${credential}`;
    const known = this.#visits.get(key);
    if (known !== undefined) {
      known.used = this.#now();
      return known;
    }
    const account = this.begin(subject, door, source);
    this.#visits.set(key, account);
    this.#visitKeys.set(account, key);
    return account;
  }

  /** What a device has used, or the devices of an organisation together. */
  spending(of: 'device' | 'organisation', id: string): Spending {
    const key = `${of} ${id}`;
    const known = this.#spendings.get(key);
    if (known !== undefined) return known;
    const spending = new Spending();
    this.#spendings.set(key, spending);
    return spending;
  }

  /** Sessions that have begun and not stopped. */
  get open(): number {
    return this.#accounts.size;
  }

  /** Records that are not on disk yet: more than a second's where they cannot be written. */
  get waiting(): number {
    return this.#records.length;
  }

  /** To be called once a second. */
  tick(): void {
    const now = this.#now();
    if (dayOf(now) !== this.#day) this.#turn(now);
    for (const account of this.#accounts) {
      const isVisit = this.#visitKeys.has(account);
      if (isVisit && account.isBusy) account.used = now;
      account.spend(isVisit ? account.used : now);
      // A clock that was set back must not keep it open.
      if (isVisit && Math.abs(now - account.used) >= this.#options.idleMilliseconds) account.end('idle');
      else if (now >= account.due) this.#interim(account, now);
    }
    if (this.#asked !== this.#store.changes) void this.#ask();
    this.#write(now);
  }

  /** Writes what there is so far of every session, and resolves when it is on disk. */
  async flush(): Promise<void> {
    const now = this.#now();
    for (const account of this.#accounts) this.#record(account, now);
    await this.#written(now);
  }

  /** Stops every session that has not stopped, and writes the last records. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    for (const account of this.#accounts) account.end('drained');
    await this.#written(this.#now());
  }

  #ended(account: Account, cause: StopCause): void {
    const now = this.#now();
    this.#accounts.delete(account);
    const key = this.#visitKeys.get(account);
    if (key !== undefined) this.#visits.delete(key);
    const to = key === undefined ? now : account.used;
    account.spend(to);
    this.#records.push(
      ...recordsOf(account.session, { from: account.recorded, to }, account.take(), { cause }),
    );
  }

  #interim(account: Account, now: number): void {
    account.due = now + this.#options.interimMilliseconds;
    if (account.hasNews || now - account.recorded >= quietMilliseconds) this.#record(account, now);
  }

  #record(account: Account, now: number): void {
    const to = this.#visitKeys.has(account) ? account.used : now;
    account.spend(to);
    this.#records.push(...recordsOf(account.session, { from: account.recorded, to }, account.take()));
    account.recorded = Math.max(account.recorded, to);
  }

  /** Ends the sessions without a connection that nothing proves any more. */
  async #ask(): Promise<void> {
    this.#asked = this.#store.changes;
    const proven = [...this.#visits.values()].flatMap((account) => {
      const { kind, id, credential } = account.subject;
      const proof = kind === 'token' ? id : credential;
      return kind === 'application' || proof === null ? [] : [{ account, kind, id: proof }];
    });
    if (proven.length === 0) return;
    try {
      const of = proven.map(({ kind, id }) => ({ kind, id }));
      const ended = new Set(await this.#store.read('endedProofs', { of }));
      for (const { account, kind, id } of proven) {
        if (ended.has(id)) account.end(kind === 'user' ? 'session-ended' : 'revoked');
      }
    } catch (error) {
      // They stop when nothing has come for a while.
      this.#log.warn('accounting-not-asked', { reason: (error as Error).message });
    }
  }

  /** Another day: what was counted is of the one before. */
  #turn(now: number): void {
    const midnight = dayOf(now) * dayMilliseconds;
    for (const account of this.#accounts) this.#record(account, Math.min(midnight, now));
    this.#day = dayOf(now);
    // A clock that is set back gives no quota back, nor does its second coming to the same midnight.
    if (this.#day <= this.#quotaDay) return;
    const to = monthOf(now) === this.#month ? 'day' : 'month';
    for (const spending of this.#spendings.values()) spending.turn(to);
    this.#quotaDay = this.#day;
    this.#month = monthOf(now);
  }

  #spendingsOf({ kind, id, organisation }: Subject): readonly Spending[] {
    // Quotas are of what is delivered: what people and programs look at uses up none.
    if (kind !== 'device') return [];
    return [this.spending('device', id), this.spending('organisation', organisation)];
  }

  /** One write at a time; what could not be written is written with the next. */
  #write(now: number): void {
    const isDue = this.#records.length > 0 || now - this.#alive >= this.#aliveMilliseconds;
    if (!isDue || this.#writing !== undefined) return;
    const records = this.#records;
    this.#records = [];
    this.#alive = now;
    const failed = (error: Error) => {
      this.#records = [...records, ...this.#records];
      this.#log.error('accounting-not-written', { records: records.length, reason: error.message });
    };
    this.#writing = this.#store
      .done({ kind: 'accounting', records, alive: now })
      .then(() => undefined, failed)
      .finally(() => {
        this.#writing = undefined;
      });
  }

  get #aliveMilliseconds(): number {
    return Math.min(aliveMilliseconds, this.#options.interimMilliseconds);
  }

  async #written(now: number): Promise<void> {
    await this.#writing;
    this.#write(now);
    await this.#writing;
  }

  /** Ticks by itself from now on, at the turn of each second: midnight is one, and what comes after it is of the new day. */
  start(): void {
    this.#timer = setTimeout(
      () => {
        this.tick();
        this.start();
      },
      1000 - (this.#now() % 1000),
    ).unref();
  }

  async #closeLost(): Promise<void> {
    const { sessions, alive } = await this.#store.read('openAccounts', {});
    const now = this.#now();
    const records = sessions.flatMap(({ until, ...session }) =>
      recordsOf(session, { from: until, to: Math.min(Math.max(until, alive ?? until), now) }, undefined, {
        cause: 'cloud-lost',
      }),
    );
    if (records.length > 0) this.#log.warn('accounting-sessions-lost', { sessions: sessions.length });
    await this.#store.done({ kind: 'accounting', records, alive: now });
    this.#alive = now;
  }

  async #remember(): Promise<void> {
    const today = this.#day;
    const first = dayOf(Date.UTC(Math.floor(this.#month / 12), this.#month % 12));
    for (const [when, from, to] of [
      ['day', today, today],
      ['before', first, today - 1],
    ] as const) {
      for (const row of await this.#store.read('usageOfDevices', { from, to })) {
        this.spending('device', row.subject).remember(row, when);
        this.spending('organisation', row.organisation).remember(row, when);
      }
    }
  }
}

/** Whole months since the year 0 (UTC). */
function monthOf(at: number): number {
  const date = new Date(at);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}
