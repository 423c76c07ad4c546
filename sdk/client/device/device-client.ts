import { setTimeout as elapsed } from 'node:timers/promises';
import { limits } from '../../contract/index.ts';
import { backoffDelay } from '../../platform/index.ts';
import type { LineReading } from '../../telemetry/index.ts';
import { type DeviceEvent, QueueError, type Rejected, UndeliveredError, type Waiting } from './events.ts';
import { FolderShelf } from './folder-shelf.ts';
import {
  boundsOf,
  type DeviceClientOptions,
  type RetryTimes,
  retryOf,
  type SeriesOf,
  type SeriesValue,
  transportOf,
} from './options.ts';
import { Queue } from './queue.ts';
import { MemoryShelf } from './shelf.ts';
import type { Delivery, Outcome, Transport } from './transport.ts';

/** Milliseconds that `flush` and `close` take at most, where nothing else is said. */
const flushMilliseconds = 30_000;
const closeMilliseconds = 5000;
/** A limit says seconds: who comes at once with all others waits again. */
const limitJitterMilliseconds = 1000;
/** Milliseconds since 1970 from which on a time is one: below, SenML takes it as relative (RFC 8428, section 4.5.3). */
const firstTime = 2 ** 28 * 1000;

/** What became of the readings that were there when `flush` was called, and of those that joined them on the way. */
export interface Flushed {
  /** On the cloud's disk. */
  readonly delivered: number;
  /** Not taken, for good. */
  readonly rejected: readonly Rejected[];
  /** Given up: the queue was full. */
  readonly dropped: number;
}

/** How it stands: counts of readings, since it was opened but for those that wait. */
export interface DeviceStanding {
  readonly queued: number;
  readonly queuedBytes: number;
  readonly delivered: number;
  readonly rejected: number;
  readonly dropped: number;
  /** Why nothing is going on; undefined while all goes well, or nothing is tried. */
  readonly waiting: Waiting | undefined;
}

/**
 * A device that is a program: what it sends is kept until it is on the cloud's disk, and counts there once. Readings leave at
 * once where nothing is under way; what gathers meanwhile goes together as the next delivery. The order is kept.
 *
 *     const device = await DeviceClient.open({ transport: { kind: 'https', url, token }, queue: { folder } });
 *     device.send({ temp: 21.5 });
 *     await device.flush();
 */
export class DeviceClient<T extends SeriesOf<T> = Record<string, SeriesValue>> {
  readonly #queue: Queue;
  readonly #transport: Transport;
  readonly #units: { readonly [name in keyof T]?: string };
  readonly #onEvent: (event: DeviceEvent) => void;
  readonly #retry: RetryTimes;
  readonly #end = new AbortController();
  readonly #flushes = new Set<Flush>();
  readonly #running: Promise<void>;
  #isClosed = false;
  #wake = Promise.withResolvers<void>();
  #waiting: Waiting | undefined;
  #delivered = 0;
  #rejected = 0;
  #dropped = 0;

  private constructor(
    options: DeviceClientOptions<T>,
    {
      transport,
      makeQueue,
    }: { transport: Transport; makeQueue: (on: (event: DeviceEvent) => void) => Queue },
  ) {
    this.#transport = transport;
    this.#units = options.units ?? {};
    this.#onEvent = options.onEvent ?? (() => {});
    this.#retry = retryOf(options.retry);
    this.#queue = makeQueue((event) => this.#tell(event));
    this.#running = this.#run();
  }

  /**
   * Opens the queue, and begins to deliver what is in it. No connection is waited for.
   *
   * @throws RangeError where an option cannot be right; FolderInUse where another process has the folder; Error of the disk
   */
  static async open<T extends SeriesOf<T> = Record<string, SeriesValue>>(
    options: DeviceClientOptions<T>,
  ): Promise<DeviceClient<T>> {
    const bounds = boundsOf(options.queue);
    let limited = (_code: string, _detail: string): void => {};
    const makeTransport = transportOf(options.transport, (code, detail) => limited(code, detail));
    const folder = options.queue?.folder;
    const shelf = folder === undefined ? new MemoryShelf() : await FolderShelf.open(folder);
    const client = new DeviceClient(options, {
      transport: await makeTransport(),
      makeQueue: (onDropped) => new Queue({ shelf, bounds, now: Date.now, onDropped }),
    });
    limited = (code, detail) => client.#wait({ for: 'limit', code, detail, retryMilliseconds: null });
    return client;
  }

  get standing(): DeviceStanding {
    return {
      queued: this.#queue.readings,
      queuedBytes: this.#queue.bytes,
      delivered: this.#delivered,
      rejected: this.#rejected,
      dropped: this.#dropped,
      waiting: this.#waiting,
    };
  }

  /**
   * Takes one reading of each of these series. They are kept when it returns: in a folder they outlive the process, and what
   * is a second old or under way a power cut too.
   *
   * @param time of all of them; now, where nothing is said
   * @throws TelemetryError for a name, value or unit that cannot be; RangeError for a time that is none; QueueError where the
   * folder cannot be written; Error after `close`
   */
  send(readings: Partial<T>, { time = Date.now() }: { readonly time?: Date | number } = {}): void {
    if (this.#isClosed) throw new Error('the client is closed: open another one');
    const when = Math.round(Number(time));
    if (!(when >= firstTime && when <= limits.monotonicMilliseconds)) {
      throw new RangeError(
        `a reading's time is in milliseconds since 1970, from July 1978 on, and not ${when}: where the clock of this machine is not set, wait until it is`,
      );
    }
    const taken: LineReading[] = [];
    for (const [name, value] of Object.entries(readings) as [keyof T & string, SeriesValue | undefined][]) {
      if (value === undefined) continue;
      const unit = this.#units[name];
      taken.push({ name, value, time: when, ...(unit !== undefined && { unit }) });
    }
    this.#queue.append(taken);
    this.#wake.resolve();
  }

  /**
   * Resolves when everything that was sent is settled: delivered, rejected or dropped.
   *
   * @throws UndeliveredError after `within` ms, or at once where the cloud does not let this device in; the readings stay
   */
  async flush({ within = flushMilliseconds }: { readonly within?: number } = {}): Promise<Flushed> {
    const flush = new Flush(this.#queue.newest);
    this.#flushes.add(flush);
    const timer = setTimeout(
      () => flush.fail(new UndeliveredError(this.#queue.readings, this.#waiting)),
      within,
    );
    try {
      this.#look();
      return await flush.done;
    } finally {
      clearTimeout(timer);
      this.#flushes.delete(flush);
    }
  }

  /**
   * Delivers what is there, for `within` ms at most, and ends. What is not delivered is in the folder for the next time, or
   * gone where there is none; how many, it answers.
   */
  async close({
    within = closeMilliseconds,
  }: {
    readonly within?: number;
  } = {}): Promise<{ undelivered: number }> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      await this.flush({ within }).catch(() => {});
      this.#end.abort(new Error('closed'));
      this.#wake.resolve();
      await this.#running;
      await this.#transport.close();
      await this.#queue.close();
    }
    await this.#running;
    return { undelivered: this.#queue.readings };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#end;
    let delivery: Delivery | undefined;
    for (let failures = 0; !signal.aborted; ) {
      try {
        delivery ??= await this.#next();
        if (delivery === undefined) continue;
        const outcome = await this.#transport.deliver(delivery, signal);
        if (outcome.kind === 'settled') {
          this.#waiting = undefined;
          this.#queue.retire();
          delivery = undefined;
          failures = 0;
          this.#settled(outcome);
        } else if (!signal.aborted) {
          await this.#pause(outcome, ++failures);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof QueueError)) throw error;
        await this.#pause({ kind: 'disk', code: undefined, detail: error.message }, ++failures);
      }
    }
  }

  /** The next delivery; undefined where there was none, and something has happened since. */
  async #next(): Promise<Delivery | undefined> {
    const wake = Promise.withResolvers<void>();
    this.#wake = wake;
    const delivery = await this.#queue.take();
    if (delivery === undefined && !this.#end.signal.aborted) await wake.promise;
    return delivery;
  }

  #settled({ stored, duplicate, rejected }: Extract<Outcome, { kind: 'settled' }>): void {
    const readings = stored + duplicate;
    if (readings > 0) this.#tell({ kind: 'delivered', readings, duplicate });
    for (const each of rejected) this.#tell(each);
    this.#look();
  }

  /** Says what is in the way, and waits. */
  async #pause(trouble: Trouble, failures: number): Promise<void> {
    const retryMilliseconds = Math.round(retryAfter(trouble, failures, this.#retry));
    const { code, detail } = trouble;
    this.#wait({ for: waitingFor[trouble.kind], code, detail, retryMilliseconds });
    await elapsed(retryMilliseconds, undefined, { signal: this.#end.signal }).catch(() => {});
  }

  #wait(waiting: Omit<Waiting, 'kind'>): void {
    this.#waiting = { kind: 'waiting', ...waiting };
    this.#tell(this.#waiting);
    this.#look();
  }

  /** Counts an event, and hands it on when what it came from is done. */
  #tell(event: DeviceEvent): void {
    switch (event.kind) {
      case 'delivered':
        this.#delivered += event.readings;
        break;
      case 'rejected':
        this.#rejected += event.readings;
        break;
      case 'dropped':
        this.#dropped += event.readings;
        break;
      case 'waiting':
    }
    for (const flush of this.#flushes) flush.take(event);
    queueMicrotask(() => this.#onEvent(event));
  }

  /** Ends each flush that there is nothing more to wait for. */
  #look(): void {
    for (const flush of this.#flushes) {
      if (!this.#queue.holds(flush.until)) flush.succeed();
      else if (this.#waiting?.for === 'credential') {
        flush.fail(new UndeliveredError(this.#queue.readings, this.#waiting));
      }
    }
  }
}

/** Why a delivery is not settled. */
type Trouble =
  | Exclude<Outcome, { kind: 'settled' }>
  | { readonly kind: 'disk'; readonly code: undefined; readonly detail: string };

const waitingFor = { limited: 'limit', refused: 'credential', failed: 'way', disk: 'disk' } as const;

/** Milliseconds until the next attempt. */
function retryAfter(trouble: Trouble, failures: number, { base, cap, refused }: RetryTimes): number {
  const draw = Math.random();
  switch (trouble.kind) {
    case 'refused':
      return refused * (1 + draw) * 0.5;
    case 'limited':
      return trouble.seconds * 1000 + draw * limitJitterMilliseconds;
    case 'failed':
      return (trouble.seconds ?? 0) * 1000 + backoffDelay({ base, cap }, failures, draw);
    case 'disk':
      return backoffDelay({ base, cap }, failures, draw);
  }
}

/** Somebody who waits until all deliveries up to a number are settled. */
class Flush {
  readonly until: number;
  readonly done: Promise<Flushed>;
  readonly #resolve: (flushed: Flushed) => void;
  readonly #reject: (error: Error) => void;
  readonly #rejected: Rejected[] = [];
  #delivered = 0;
  #dropped = 0;

  constructor(until: number) {
    this.until = until;
    const { promise, resolve, reject } = Promise.withResolvers<Flushed>();
    this.done = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  take(event: DeviceEvent): void {
    if (event.kind === 'delivered') this.#delivered += event.readings;
    else if (event.kind === 'rejected') this.#rejected.push(event);
    else if (event.kind === 'dropped') this.#dropped += event.readings;
  }

  succeed(): void {
    this.#resolve({ delivered: this.#delivered, rejected: this.#rejected, dropped: this.#dropped });
  }

  fail(error: Error): void {
    this.#reject(error);
  }
}
