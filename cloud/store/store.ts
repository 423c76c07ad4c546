import { checkedDraft } from './audit-draft.ts';
import { type Changed, type ChangeWrite, mayChangeRights } from './change.ts';
import type { Aggregate, AggregateQuery } from './chunks/aggregate.ts';
import { Merger, type Merging } from './chunks/merger.ts';
import { type Page, pageReadings, type SeriesSpan } from './chunks/pages.ts';
import type { Place, Readings, SeriesName } from './chunks/readings.ts';
import type { SliceSize } from './chunks/slice.ts';
import type { ChunkCut, MergeWrite } from './chunks/writes.ts';
import type { DatabaseOptions } from './database.ts';
import type { CopyAnswer, CopyQuestion } from './page-copy.ts';
import { LateReader, Reader } from './reader.ts';
import type { Reads } from './reads.ts';
import { SeriesIndex } from './series-index.ts';
import { Writer, type Writing } from './writer.ts';
import type { DeliveryWrite, Outcome, Write } from './writes.ts';

/** How long the live index goes without being written, in ms: what a start after a crash has to read again. */
const checkpointMilliseconds = 10_000;

/** Questions whose answer may take reading many deliveries: a login must not wait for them. */
const readsMany: ReadonlySet<keyof Reads> = new Set([
  'range',
  'aggregates',
  'readings',
  'storage',
  'run',
  'ledger',
  'seriesIndex',
  'latestOfBoot',
  'audit',
  'auditVerify',
  'auditRecords',
  'usage',
  'accountingRecords',
]);

/** Milliseconds that a reading may outlive its time in a chunk of younger ones. */
const expiredMilliseconds = 86_400_000;

/** How long until what could not be read of a boot is read again, in ms. */
const resolveAgainMilliseconds = 1000;

/** Chunks that retention removes in one transaction at most. */
const expiredAtOnce = 64;

/** Buckets that are filled by one read. */
const bucketsAtOnce = 64;

/** The store: one writer, readers, the merger, and the live index of series. */
export class Store {
  readonly index: SeriesIndex;
  readonly #writer: Writer;
  /** Questions of people's clicks and sessions; and, on a thread of their own, those that read many deliveries. */
  readonly #lookups: Reader;
  readonly #ranges: LateReader;
  /** Prepares slices for the merger. */
  readonly #slices: LateReader;
  readonly #merger: Merger;
  readonly #timer: NodeJS.Timeout;
  #through: number;
  #written: number;
  #resolving: Promise<void> = Promise.resolve();
  /** What changes the checkpoint, one after the other. */
  #checkpointing: Promise<unknown> = Promise.resolve();
  #changes = 0;
  #closing = false;

  private constructor(
    parts: { writer: Writer; lookups: Reader; openReader: () => Promise<Reader> },
    index: SeriesIndex,
    through: number,
    written: number,
  ) {
    this.index = index;
    this.#writer = parts.writer;
    this.#lookups = parts.lookups;
    this.#ranges = new LateReader(parts.openReader);
    this.#slices = new LateReader(parts.openReader);
    this.#merger = new Merger({
      tails: () => this.#slices.read('tails', {}),
      slice: (device, size) => this.#slice(device, size),
      apply: (write) => parts.writer.aside(write),
      now: () => Date.now(),
    });
    this.#through = through;
    this.#written = written;
    this.#timer = setInterval(() => {
      // A checkpoint that cannot be written is tried again: the deliveries themselves are the record.
      this.#checkpoint().catch(() => undefined);
    }, checkpointMilliseconds);
    this.#timer.unref();
  }

  /**
   * Opens the store, making the database where there is none. `onFailure` is told when it can no longer write or
   * read: there is nothing to be done then but to start again.
   */
  static async open(options: DatabaseOptions, onFailure: (reason: string) => void): Promise<Store> {
    const writer = await Writer.open(options, onFailure);
    const openReader = () => Reader.open(options, onFailure);
    const lookups = await openReader();
    const { series, through, written } = await lookups.read('seriesIndex', {});
    return new Store({ writer, lookups, openReader }, new SeriesIndex(series), through, written);
  }

  /** See `Writer.write`. */
  write(write: Write, settle: (outcome: Outcome) => void): void {
    this.#writer.write(write, settle);
  }

  /** How writing goes. */
  get writing(): Writing {
    return this.#writer.writing;
  }

  /** See `Writer.onGroup`. */
  onGroup(listener: (writes: number, milliseconds: number) => void): void {
    this.#writer.onGroup(listener);
  }

  /** See `Writer.copy`. */
  copy(question: CopyQuestion): Promise<CopyAnswer> {
    return this.#writer.copy(question);
  }

  /** See `Writer.done`. */
  done(write: Exclude<Write, DeliveryWrite | ChangeWrite>): Promise<number> {
    return this.#writer.done(write);
  }

  /**
   * Takes the steps together, with their entries in the audit log: all of it is on disk when this resolves with
   * `done`, or nothing is.
   *
   * @throws Error where an entry would take a secret into the log, or the database fails
   */
  async change({ steps, audit }: Omit<ChangeWrite, 'kind'>): Promise<Changed> {
    const changed = await this.#writer.change({ kind: 'change', steps, audit: audit.map(checkedDraft) });
    if (changed.done && mayChangeRights({ steps })) this.#changes += 1;
    return changed;
  }

  /** Goes up with every change that may have changed what somebody may do: only then need sessions be asked again. */
  get changes(): number {
    return this.#changes;
  }

  /** See `Reader.read`. */
  read<K extends keyof Reads>(name: K, query: Parameters<Reads[K]>[0]): Promise<ReturnType<Reads[K]>> {
    return (readsMany.has(name) ? this.#ranges : this.#lookups).read(name, query);
  }

  /**
   * The readings of a series between two times, in the order (time, epoch, number), a page after the other. Each page is
   * a read of its own, so that however long it takes to use them, the log can be cut back meanwhile. What is stored
   * while it goes on is in it where it lies behind the last page.
   */
  async *readings(span: SeriesSpan, limit = pageReadings): AsyncGenerator<Readings> {
    let after: Place | null = null;
    do {
      const page: Page = await this.read('readings', { ...span, after, limit });
      if (page.readings.count > 0) yield page.readings;
      after = page.next;
    } while (after !== null);
  }

  /**
   * The aggregates of a series, a few buckets a read: chunks are opened only where a bucket begins, so that whatever is
   * asked for, what others ask is answered in between, and the log can be cut back.
   */
  async aggregates({ bounds, ...series }: AggregateQuery): Promise<Aggregate[]> {
    const found: Aggregate[] = [];
    for (let first = 0; first < bounds.length - 1; first += bucketsAtOnce) {
      const some = bounds.slice(first, first + bucketsAtOnce + 1);
      found.push(...(await this.read('aggregates', { ...series, bounds: some })));
    }
    return found;
  }

  /** How merging goes. */
  get merging(): Merging {
    return this.#merger.merging;
  }

  /** Merges now all that can be merged, due or not. */
  async merge(): Promise<void> {
    await this.#checkpoint();
    await this.#merger.all();
  }

  /**
   * Removes what is older than `before` (ms since 1970) of a series, and counts it as expired in the device's ledger, in
   * the same transactions. Readings that share a chunk with younger ones may stay a day longer: a chunk is not written
   * anew for each that expires. Those that are not merged yet stay until they are. @returns how many went
   */
  expire(series: SeriesName, before: number): Promise<number> {
    return this.#oneByOne(async () => {
      const { device, tag, aspect } = series;
      const span = { device, tag, aspect, before };
      let expired = 0;
      // What is left when the store closes goes the next time.
      while (!this.#closing) {
        const { cuts, whole } = await this.#expirable(span);
        if (cuts.length === 0 && !whole) break;
        const write = { kind: 'expire', ...span, most: expiredAtOnce, cuts } as const;
        const { outcome } = await this.#writer.aside(write);
        if (outcome.kind !== 'done') {
          throw new Error(outcome.kind === 'failed' ? outcome.message : `unexpected outcome ${outcome.kind}`);
        }
        this.index.expire(series, outcome.changed, before);
        expired += outcome.changed;
      }
      return expired;
    });
  }

  /**
   * To be called when a delivery has resolved the times of its boot's earlier ones: the live index learns what
   * is newest among them. No checkpoint is written before it has.
   */
  resolved(device: number, boot: string): void {
    this.#resolving = this.#resolving.then(() => this.#resolve(device, boot));
  }

  /** To be called once a delivery is in `index`: a checkpoint written now will cover it. */
  indexed(delivery: number): void {
    this.#through = Math.max(this.#through, delivery);
  }

  /** Writes the live index, then closes both ends. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closing = true;
    await this.#merger.close();
    await this.#checkpoint().catch(() => undefined);
    await Promise.all([this.#lookups, this.#ranges, this.#slices].map((reader) => reader.close()));
    await this.#writer.close();
  }

  #expirable(span: SeriesName & { before: number }): Promise<{ cuts: ChunkCut[]; whole: boolean }> {
    return this.#slices.read('expirable', { ...span, old: span.before - expiredMilliseconds });
  }

  /** Tried until it is read: no checkpoint is written before, and nothing is merged. */
  async #resolve(device: number, boot: string): Promise<void> {
    while (!this.#closing) {
      try {
        this.index.mergeLatest(await this.#ranges.read('latestOfBoot', { device, boot }));
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, resolveAgainMilliseconds));
      }
    }
  }

  #slice(device: number, size: SliceSize): Promise<MergeWrite | undefined> {
    return this.#slices.read('mergeSlice', { device, size });
  }

  #checkpoint(): Promise<void> {
    return this.#oneByOne(async () => {
      // Another boot may have got its times while the ones before it were looked at.
      for (let known: unknown; known !== this.#resolving; ) {
        known = this.#resolving;
        await known;
      }
      if (this.#through === this.#written) return;
      const through = this.#through;
      const series = this.index.all().map(({ latest, ...one }) => ({
        ...one,
        latest: latest === undefined ? null : JSON.stringify(latest),
      }));
      const changed = await this.#writer.done({ kind: 'checkpoint', through, series });
      if (changed > 0) this.#written = through;
    });
  }

  /** Counts that were taken before some expired must not be written after that. */
  #oneByOne<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#checkpointing.then(work, work);
    this.#checkpointing = done;
    return done;
  }
}
