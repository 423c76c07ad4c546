import { setTimeout as delay } from 'node:timers/promises';
import { limits, type UpChannel } from '@loadline/sdk/contract';
import { type Backoff, backoffDelay, failuresAfter, type Log } from '@loadline/sdk/platform';
import { type Entry, encodeBatch, entryWeight } from '@loadline/sdk/telemetry';
import type { Clock } from '../clock/index.ts';
import type { Journal, Run, Sent } from '../journal/index.ts';
import type { Link } from './link.ts';
import {
  acknowledged,
  appended,
  connected,
  type Decision,
  decide,
  type Schedule,
  taken,
} from './schedule.ts';
import { LinkWindow } from './window.ts';

export interface UplinkOptions {
  readonly journal: Journal;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Most bytes (`entryWeight`) that may be in flight; how many are is the link's doing. */
  readonly windowBytes: number;
  /** Milliseconds live readings may gather on an idle link. */
  readonly maxDelay: number;
  /** Makes a connection, or throws why there is none. Called again and again, for ever; ended by the signal. */
  readonly connect: (signal: AbortSignal) => Promise<Link>;
  /** A connection stands: what is published now goes ahead of all readings. */
  readonly onConnected: () => void;
  /** The connection is gone, or there was none to be had; with the code of the notice on it, if there was one. */
  readonly onDisconnected: (reason: string, notice: string | undefined) => void;
  /** The cloud has committed readings that were heard at these times (monotonic milliseconds). */
  readonly onAcknowledged: (times: Float64Array, first: Delivered | undefined) => void;
  /** A number 0 <= n < 1, for the jitter. */
  readonly random: () => number;
  readonly log: Log;
}

/** A reading that the cloud has. */
export interface Delivered {
  readonly epoch: string;
  readonly number: number;
  readonly tag: number;
}

/** Why a connection, or an attempt at one, ended; and when, in monotonic milliseconds. */
export interface Disconnect {
  readonly at: number;
  readonly reason: string;
}

/** A run of the journal, and how it travels. */
interface Batch {
  readonly run: Run;
  readonly body: Uint8Array;
}

/**
 * Half a minute at most: whoever waits for the link on site sees it come, and a fleet of ten thousand that lost its
 * cloud for hours comes back as 700 handshakes a second, which a cloud bears.
 */
const backoff: Backoff = { base: 500, cap: 30_000 };
/**
 * Where the cloud holds a link of another process with this identity. Minutes, since only people end that; and less than
 * the watchdog waits for the next attempt, since a restart would make this process a new one, which takes the link.
 */
const contestedBackoff: Backoff = { base: 120_000, cap: 240_000 };

const disconnectsKept = 5;
const reasonCharacters = 200;
/** Milliseconds that a link may take to acknowledge what is in flight before it is left; one that is dead is found sooner. */
const leaveMilliseconds = 30_000;
/** Why a link was left. */
const renewed = 'left for another';

/**
 * Keeps a connection to the cloud and empties the journal through it. Entries are forgotten on a PUBACK and on
 * nothing else. It sleeps until something happens: an entry, an acknowledgement, a lost link. It keeps no queue of
 * its own: while there is no connection, nothing grows here.
 */
export class Uplink {
  readonly #options: UplinkOptions;
  readonly #stopping = new AbortController();
  #maxDelay: number;
  #link: Link | undefined;
  #schedule: Schedule | undefined;
  #window: LinkWindow;
  /** Whether drops are on their way that no batch of entries could declare. */
  #declaring = false;
  #served = false;
  #pumping = false;
  #timer: NodeJS.Timeout | undefined;
  /** Ends the attempt at a link, or the wait before it. */
  #attempt = new AbortController();
  /** Set while the link is to be left as soon as nothing is in flight on it. */
  #leaving: NodeJS.Timeout | undefined;
  /** Publishes of what is no reading that are under way. */
  #messages = 0;
  #running: Promise<void> | undefined;
  #drained: (() => void) | undefined;
  #connections = 0;
  #disconnects: readonly Disconnect[] = [];

  constructor(options: UplinkOptions) {
    this.#options = options;
    this.#maxDelay = options.maxDelay;
    this.#window = new LinkWindow(options.windowBytes);
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

  /** Why the last connections, or the last attempts at one, ended; the newest first, five at most. */
  get disconnects(): readonly Disconnect[] {
    return this.#disconnects;
  }

  /** Bytes that may be in flight on this connection now; without one, as they were on the last. */
  get windowBytes(): number {
    return this.#window.bytes;
  }

  /** Shortest time between a publish and its acknowledgement of late; null before the first. */
  get roundTripMs(): number | null {
    return this.#window.roundTrip ?? null;
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

  /**
   * Publishes something that is no reading, if there is a link. Resolves to whether the cloud has acknowledged it
   * (`clock`: whether it was sent); never rejects, and nothing waits for it.
   */
  async publish(channel: UpChannel, payload: string): Promise<boolean> {
    const link = this.#link;
    if (link === undefined) return false;
    this.#messages++;
    try {
      await link.publish(channel, payload);
      return true;
    } catch (error) {
      if (link === this.#link) {
        this.#options.log.warn('message-not-sent', { channel, reason: (error as Error).message });
      }
      return false;
    } finally {
      this.#messages--;
      this.#wake();
    }
  }

  /**
   * Goes on over a new connection: `connect` has another to make. Nothing more is sent on the one that stands, and it is
   * closed once all that was sent on it is acknowledged, so that nothing is sent twice; the next is made at once.
   */
  renew(): void {
    if (this.#link === undefined) this.#attempt.abort(new Error(renewed));
    else if (this.#leaving === undefined) {
      this.#leaving = setTimeout(() => this.#leave(), leaveMilliseconds);
      this.#wake();
    }
  }

  /** Sends what is held without further delay, and waits until all of it is acknowledged, or `limit` ms. */
  async drain(limit: number): Promise<void> {
    this.#maxDelay = 0;
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
    this.#stopping.abort(new Error('the gateway is stopping'));
    await this.#link?.close();
    await this.#running;
  }

  async #keepConnected(): Promise<void> {
    const { clock, log, random, connect, onDisconnected } = this.#options;
    const { signal } = this.#stopping;
    let failures = 0;
    let contests = 0;
    while (!signal.aborted) {
      let reason: string;
      let notice: string | undefined;
      this.#attempt = new AbortController();
      const trying = AbortSignal.any([signal, this.#attempt.signal]);
      try {
        const link = await connect(trying);
        const since = clock.monotonic();
        reason = await this.#use(link);
        notice = link.notice;
        failures = failuresAfter(failures, { stood: clock.monotonic() - since, served: this.#served });
      } catch (error) {
        reason = (error as Error).message;
      }
      if (signal.aborted) return;
      const ended = { at: clock.monotonic(), reason: reason.slice(0, reasonCharacters) };
      this.#disconnects = [ended, ...this.#disconnects].slice(0, disconnectsKept);
      const { held } = this.#options.journal;
      if (reason === renewed) {
        log.info('uplink-renewed', { held });
        onDisconnected(reason, undefined);
        continue;
      }
      failures++;
      contests = notice === 'identity-contested' ? contests + 1 : 0;
      const wait = Math.round(
        contests === 0 ? backoffDelay(backoff, failures, random()) : contestedDelay(contests, random()),
      );
      log.warn('uplink-lost', { reason, failures, retryMs: wait, held });
      onDisconnected(ended.reason, notice);
      await delay(wait, undefined, { signal: trying }).catch(() => {});
    }
  }

  /** Uses a connection until it is gone; returns why it went. */
  async #use(link: Link): Promise<string> {
    const { journal, log, windowBytes, onConnected } = this.#options;
    if (this.#stopping.signal.aborted) await link.close();
    this.#connections++;
    this.#link = link;
    this.#served = false;
    this.#declaring = false;
    this.#window = new LinkWindow(windowBytes);
    this.#schedule = connected(journal.heldRanges(), journal.next);
    log.info('uplink-connected', { backlog: journal.held });
    onConnected();
    this.#wake();
    const reason = await link.closed;
    const isLeft = this.#link === undefined;
    this.#link = undefined;
    this.#schedule = undefined;
    clearTimeout(this.#timer);
    clearTimeout(this.#leaving);
    this.#leaving = undefined;
    return isLeft ? renewed : reason;
  }

  /** Closes the link that stands to go on with another. */
  #leave(): void {
    const link = this.#link;
    this.#link = undefined;
    void link?.close();
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
      if (this.#leaving !== undefined) {
        if (this.inFlight === 0 && !this.#declaring && this.#messages === 0) this.#leave();
        return;
      }
      const now = clock.monotonic();
      this.#declare(this.#link, now);
      const { bytes: windowBytes, backlogBytes } = this.#window;
      const bounds = { windowBytes, backlogBytes, maxDelay: this.#maxDelay };
      const decision = decide(this.#schedule, journal.next, now, bounds);
      switch (decision.kind) {
        case 'cut':
          if (!this.#cut(this.#link, this.#schedule, decision, now)) return;
          break;
        case 'wait':
          this.#timer = setTimeout(() => this.#wake(), Math.ceil(decision.until - now));
          return;
        case 'idle':
          return;
      }
    }
  }

  /** Drops of an epoch of which nothing is left that could carry the declaration. */
  #declare(link: Link, now: number): void {
    if (this.#declaring) return;
    const run = this.#options.journal.declaration();
    if (run === undefined) return;
    this.#declaring = true;
    this.#send(link, { run, body: encodeBatch(run.header, run.entries) }, now);
  }

  /** Cuts and publishes; false where the window has no room for even one entry. */
  #cut(link: Link, schedule: Schedule, cut: Extract<Decision, { kind: 'cut' }>, now: number): boolean {
    const { journal } = this.#options;
    const batch = this.#batch(cut);
    if (batch === undefined && journal.heldIn(cut.range) !== undefined) return false;
    this.#schedule = taken(schedule, cut, batch?.run, now);
    if (batch !== undefined) this.#send(link, batch, now);
    return true;
  }

  /**
   * What does not fit into one batch is halved: weights are estimates, and an epoch may know the ports of many
   * configurations. Unsent, it would end this process, and every one after it.
   */
  #batch({ range, maxBytes }: Extract<Decision, { kind: 'cut' }>): Batch | undefined {
    for (let most: number = limits.batchEntries; ; ) {
      const run = this.#options.journal.cut(range, maxBytes, most);
      if (run === undefined) return undefined;
      try {
        return { run, body: encodeBatch(run.header, run.entries) };
      } catch (error) {
        most = Math.floor(run.entries.length / 2);
        if (most === 0) throw error;
      }
    }
  }

  #send(link: Link, { run, body }: Batch, now: number): void {
    const window = this.#window;
    const probe = window.sent(run.bytes, now);
    // Not the run itself: its entries are thirty times as many bytes as their times.
    const { position, count, header } = run;
    const sent = { position, count, header, times: timesOf(run.entries), first: firstOf(run) };
    link.publish('telemetry', body).then(
      () => {
        window.acknowledged(probe, this.#options.clock.monotonic());
        this.#acknowledged(link, sent);
      },
      // The link is gone and says so itself; the run is still the journal's.
      () => {},
    );
  }

  #acknowledged(
    link: Link,
    sent: Sent & { readonly times: Float64Array; readonly first: Delivered | undefined },
  ): void {
    const { journal, onAcknowledged } = this.#options;
    journal.acknowledge(sent);
    if (link === this.#link && this.#schedule !== undefined) {
      this.#served = true;
      if (sent.count === 0) this.#declaring = false;
      else this.#schedule = acknowledged(this.#schedule, sent.position);
    }
    onAcknowledged(sent.times, sent.first);
    if (journal.held === 0) this.#drained?.();
    this.#wake();
  }
}

/**
 * Milliseconds to wait after the cloud has said so many times in a row that another process has this identity: at least
 * half of the bound, so that no draw leads back at once.
 *
 * @param random a number 0 <= n < 1
 */
export function contestedDelay(contests: number, random: number): number {
  return backoffDelay(contestedBackoff, contests, 0.5 + random / 2);
}

/** The first reading of a run. */
function firstOf({ entries, header: { epoch, first } }: Run): Delivered | undefined {
  const index = entries.findIndex(({ kind }) => kind === 'reading');
  const entry = entries[index];
  return entry?.kind === 'reading' ? { epoch, number: first + index, tag: entry.tag } : undefined;
}

/** When the readings among these were heard. */
function timesOf(entries: readonly Entry[]): Float64Array {
  return Float64Array.from(
    entries.filter(({ kind }) => kind === 'reading'),
    ({ monotonic }) => monotonic,
  );
}
