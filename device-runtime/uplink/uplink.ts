import { setTimeout as delay } from 'node:timers/promises';
import { limits, type UpChannel } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import { type Entry, encodeBatch, entryWeight, type NumberRange } from '@loadline/sdk/telemetry';
import type { Clock } from '../clock/index.ts';
import type { Journal, Run } from '../journal/index.ts';
import { type Backoff, backoffDelay } from './backoff.ts';
import type { Link } from './link.ts';
import {
  acknowledged,
  appended,
  connected,
  type Decision,
  decide,
  type Schedule,
  type ScheduleLimits,
  taken,
} from './schedule.ts';

export interface UplinkOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly limits: ScheduleLimits;
  /** Makes a connection, or throws why there is none. Called again and again, for ever. */
  readonly connect: () => Promise<Link>;
  /** A connection stands: what is published here goes ahead of all readings. */
  readonly onConnected: (publish: Link['publish']) => void;
  /** The cloud has committed these entries. */
  readonly onAcknowledged: (entries: readonly Entry[]) => void;
  /** A number 0 <= n < 1, for the jitter. */
  readonly random: () => number;
  readonly log: Log;
}

const backoff: Backoff = { base: 500, cap: 30_000 };
/** Milliseconds a connection must have stood for its loss to count as the first failure again. */
const stableMilliseconds = 10_000;

/**
 * Keeps a connection to the cloud and empties the journal through it. Numbers are retired by a PUBACK and by
 * nothing else. It sleeps until something happens: an entry, an acknowledgement, a lost link.
 */
export class Uplink {
  readonly #options: UplinkOptions;
  readonly #stopping = new AbortController();
  #limits: ScheduleLimits;
  #link: Link | undefined;
  #schedule: Schedule | undefined;
  #pumping = false;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #drained: (() => void) | undefined;
  #connections = 0;
  #lastDisconnect: string | undefined;

  constructor(options: UplinkOptions) {
    this.#options = options;
    this.#limits = options.limits;
  }

  get isConnected(): boolean {
    return this.#link !== undefined;
  }

  /** Entries published and not yet acknowledged. */
  get inFlight(): number {
    return this.#schedule?.inFlight.reduce((sum, { count }) => sum + count, 0) ?? 0;
  }

  /** Connections made so far. */
  get connections(): number {
    return this.#connections;
  }

  /** Why the last connection, or the last attempt at one, ended. */
  get lastDisconnect(): string | undefined {
    return this.#lastDisconnect;
  }

  start(): void {
    this.#running ??= this.#keepConnected();
  }

  /** An entry has been appended to the journal. */
  appended(entry: Entry): void {
    if (this.#schedule === undefined) return;
    this.#schedule = appended(this.#schedule, entryWeight(entry), this.#options.clock.monotonic());
    this.#wake();
  }

  /** Publishes something that is no reading. Resolves to whether the cloud has acknowledged it. */
  async publish(channel: UpChannel, payload: string): Promise<boolean> {
    try {
      await this.#link?.publish(channel, payload);
      return this.#link !== undefined;
    } catch {
      return false;
    }
  }

  /** Sends what is held without further delay, and waits until all of it is acknowledged, or `limit` ms. */
  async drain(limit: number): Promise<void> {
    this.#limits = { ...this.#limits, maxDelay: 0 };
    if (this.#options.journal.held === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#drained = resolve;
    this.#wake();
    const timer = setTimeout(resolve, limit);
    await promise;
    clearTimeout(timer);
  }

  /** Closes the connection and makes no other. What is unacknowledged stays in the journal. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#link?.close();
    await this.#running;
  }

  async #keepConnected(): Promise<void> {
    const { clock, log, random, connect } = this.#options;
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      let reason: string;
      try {
        const link = await connect();
        const since = clock.monotonic();
        reason = await this.#use(link);
        if (clock.monotonic() - since >= stableMilliseconds) failures = 0;
      } catch (error) {
        reason = (error as Error).message;
      }
      this.#lastDisconnect = reason.slice(0, 200);
      if (signal.aborted) return;
      failures++;
      const wait = Math.round(backoffDelay(backoff, failures, random()));
      log.warn('uplink-lost', { reason, failures, retryMs: wait, held: this.#options.journal.held });
      await delay(wait, undefined, { signal }).catch(() => {});
    }
  }

  /** Uses a connection until it is gone; returns why it went. */
  async #use(link: Link): Promise<string> {
    const { journal, log, onConnected } = this.#options;
    if (this.#stopping.signal.aborted) await link.close();
    this.#connections++;
    this.#link = link;
    this.#schedule = connected(journal.heldRanges(), journal.next);
    log.info('uplink-connected', { backlog: journal.held });
    onConnected(link.publish);
    this.#wake();
    const reason = await link.closed;
    this.#link = undefined;
    this.#schedule = undefined;
    clearTimeout(this.#timer);
    return reason;
  }

  /** After the event at hand, so that all that one chunk of the port brought leaves in one batch. */
  #wake(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    const { journal, clock } = this.#options;
    clearTimeout(this.#timer);
    while (this.#link !== undefined && this.#schedule !== undefined) {
      const now = clock.monotonic();
      const decision = decide(this.#schedule, journal.next, now, this.#limits);
      switch (decision.kind) {
        case 'cut':
          if (!this.#send(this.#link, this.#schedule, decision, now)) return;
          break;
        case 'wait':
          this.#timer = setTimeout(() => this.#wake(), Math.ceil(decision.until - now));
          return;
        case 'idle':
          return;
      }
    }
  }

  /** Cuts, encodes and publishes; false where the window has no room for even one entry. */
  #send(link: Link, schedule: Schedule, cut: Extract<Decision, { kind: 'cut' }>, now: number): boolean {
    const { journal, clock } = this.#options;
    const run = journal.cut(cut.range, cut.maxBytes, limits.batchEntries);
    if (run === undefined && journal.heldIn(cut.range) !== undefined) return false;
    if (run === undefined) {
      this.#schedule = taken(schedule, cut, undefined, now);
      return true;
    }
    const dropped = journal.undeclared(limits.batchDroppedRanges);
    const { epoch, parent, oldest } = journal;
    const header = { epoch, parent, boot: clock.boot, oldest, first: run.first, dropped };
    this.#schedule = taken(schedule, cut, run, now);
    link.publish('telemetry', encodeBatch(header, run.entries)).then(
      () => this.#acknowledged(link, run, dropped),
      // The link is gone and says so itself; the run is still the journal's.
      () => {},
    );
    return true;
  }

  #acknowledged(link: Link, run: Run, dropped: readonly NumberRange[]): void {
    const { journal, onAcknowledged } = this.#options;
    journal.retire(run.first, run.entries.length);
    journal.declared(dropped);
    if (link === this.#link && this.#schedule !== undefined) {
      this.#schedule = acknowledged(this.#schedule, run.first);
    }
    onAcknowledged(run.entries);
    if (journal.held === 0) this.#drained?.();
    this.#wake();
  }
}
