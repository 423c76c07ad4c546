import type { Book, Segment } from './book.ts';
import type { JournalFolder } from './folder.ts';
import type { JournalDisk } from './journal.ts';
import { type Ledger, type LedgerEpoch, pairs } from './ledger.ts';
import type { SegmentReader } from './reader.ts';
import { SegmentWriter } from './writer.ts';

export interface DiskOptions {
  readonly folder: JournalFolder;
  readonly ledger: Ledger;
  readonly book: Book;
  readonly reader: SegmentReader;
  /** Number of the next segment file. */
  readonly sequence: number;
  /** Bytes past which a segment is not written to any more. */
  readonly segmentBytes: number;
  /** Milliseconds since 1970, for the count of a day. */
  readonly now: () => number;
  readonly tell: (code: 'disk-full' | 'disk-recovered', detail: string) => void;
}

/** Bytes written and synced at a time: what is encoded at once holds up everything else. */
const writeBytes = 64 * 1024;
const dayMilliseconds = 86_400_000;

/** Everything that writes: one thing at a time, and whatever fails is tried again. */
export class Disk {
  readonly #options: DiskOptions;
  #sequence: number;
  #writer: SegmentWriter | undefined;
  /** Dropped, and on disk until the ledger has it. */
  #doomed = new Set<Segment>();
  /** Damaged since it was written. */
  #left: Segment | undefined;
  #state: JournalDisk['state'] = 'good';
  #written = 0;
  #writtenToday = 0;
  #day: number;
  /** The last of the passes; each waits for the one before. */
  #passes: Promise<void> = Promise.resolve();

  constructor(options: DiskOptions) {
    this.#options = options;
    this.#sequence = options.sequence;
    this.#day = Math.floor(options.now() / dayMilliseconds);
  }

  get state(): JournalDisk['state'] {
    return this.#state;
  }

  get stats(): JournalDisk {
    this.#count(0);
    return { state: this.#state, written: this.#written, writtenToday: this.#writtenToday };
  }

  /** Nothing of it is held any more: it goes as soon as it is on record that it was dropped. */
  doom(segment: Segment): void {
    this.#doomed.add(segment);
  }

  /** It is damaged: nothing is to be written behind what cannot be read. */
  leave(segment: Segment): void {
    this.#left = segment;
  }

  /** Whether a pass would find something to delete. */
  get hasDoomed(): boolean {
    return this.#doomed.size > 0;
  }

  /**
   * One pass, after those before it: the epoch on disk, what was dropped declared and deleted, what is acknowledged
   * deleted, and with `write` what is in memory written and synced.
   *
   * @throws whatever the disk says; it is told, and counted, already
   */
  pass(write: 'write' | 'tidy'): Promise<void> {
    const pass = this.#passes.then(() => this.#work(write));
    this.#passes = pass.catch(() => {});
    return pass;
  }

  /** Writes what the next opening should know, and lets go of the file. */
  async close(): Promise<void> {
    await this.#passes;
    const { book } = this.#options;
    const partly = book.segments.some(({ held, stored }) => held < stored.count);
    if (partly || book.ledgerIsOld || (book.current?.stored.last ?? -1) < book.next - 1) {
      await this.#writeLedger().catch(() => {});
    }
    await this.#writer?.close().catch(() => {});
  }

  async #work(write: 'write' | 'tidy'): Promise<void> {
    const { book } = this.#options;
    try {
      if (this.#writer === undefined) {
        // Room first: what was dropped, and what is acknowledged, may be what fills the disk. Then the ledger has
        // to name this epoch, since no segment might.
        await this.#deleteDoomed();
        if (this.#state === 'full' && book.hasRetired) {
          await this.#writeLedger();
          await this.#deleteRetired();
        }
        await this.#open();
      }
      await this.#deleteDoomed();
      await this.#deleteRetired();
      if (write === 'write') {
        if (book.hasVanished) await this.#writeLedger();
        await this.#write(book.next);
      }
      if (this.#state !== 'good') {
        this.#state = 'good';
        this.#options.tell(
          'disk-recovered',
          `${book.held.count} entries held, ${book.pending.count} in memory`,
        );
      }
    } catch (error) {
      await this.#fail(error as NodeJS.ErrnoException);
      throw error;
    }
  }

  async #open(): Promise<SegmentWriter> {
    const { folder, book } = this.#options;
    const first = book.memoryFrom - book.own.base;
    const writer = await SegmentWriter.create(folder, this.#sequence++, book.own, first);
    this.#count(writer.segment.bytes);
    this.#writer = writer;
    book.segments.push(writer.segment);
    book.current = writer.segment;
    // Two slots there already: a ledger that is needed on a full disk finds room.
    while (!this.#options.ledger.isReserved) await this.#writeLedger();
    return writer;
  }

  async #write(until: number): Promise<void> {
    const { book, segmentBytes } = this.#options;
    while (book.memoryFrom < until) {
      let writer = this.#writer ?? (await this.#open());
      const { bytes, held } = writer.segment;
      // A file of which nothing is held any more is better deleted than filled up.
      const isFull = bytes >= segmentBytes || (held === 0 && bytes >= segmentBytes / 2);
      if (isFull || writer.segment === this.#left) {
        await writer.close();
        this.#writer = undefined;
        writer = await this.#open();
      }
      const room = Math.min(Math.max(segmentBytes - writer.segment.bytes, 1), writeBytes);
      const records = writer.encode(book, until, room);
      if (records.ranges.length > 0) {
        await writer.write(records);
        this.#count(records.bytes.length);
      }
      book.wrote(writer.segment, records.ranges, records.bytes.length, records.until);
    }
  }

  async #deleteDoomed(): Promise<void> {
    if (this.#doomed.size === 0) return;
    const doomed = this.#doomed;
    this.#doomed = new Set();
    try {
      await this.#writeLedger();
      await this.#delete(doomed);
    } catch (error) {
      for (const segment of doomed) this.#doomed.add(segment);
      throw error;
    }
  }

  async #deleteRetired(): Promise<void> {
    const { book } = this.#options;
    if (!book.hasRetired) return;
    book.hasRetired = false;
    try {
      await this.#delete(book.segments.filter((segment) => segment !== book.current));
    } catch (error) {
      book.hasRetired = true;
      throw error;
    }
    book.prune();
  }

  /** Deletes the files of these segments of which nothing is held any more: merged ones go together. */
  async #delete(segments: Iterable<Segment>): Promise<void> {
    const { folder, reader, book } = this.#options;
    const holding = new Set(book.segments.filter(({ held }) => held > 0).map(({ name }) => name));
    const gone = Map.groupBy(segments, ({ name }) => name);
    for (const [name, all] of gone) {
      if (holding.has(name)) continue;
      for (const segment of all) reader.forget(segment);
      await folder.remove(name);
      book.remove(new Set(book.segments.filter((segment) => segment.name === name)));
    }
  }

  async #writeLedger(): Promise<void> {
    const { book, ledger } = this.#options;
    const { hasVanished } = book;
    book.ledgerIsOld = false;
    book.hasVanished = false;
    try {
      this.#count(await ledger.write({ sequence: this.#sequence, epochs: ledgerEpochs(book) }));
    } catch (error) {
      book.ledgerIsOld = true;
      book.hasVanished ||= hasVanished;
      throw error;
    }
  }

  async #fail(error: NodeJS.ErrnoException): Promise<void> {
    const { book } = this.#options;
    const writer = this.#writer;
    this.#writer = undefined;
    book.current = undefined;
    book.hasRetired = true;
    const before = this.#state;
    this.#state = error.code === 'ENOSPC' || error.code === 'EDQUOT' ? 'full' : 'failing';
    if (before === 'good') this.#options.tell('disk-full', error.message);
    await writer?.abandon();
  }

  #count(bytes: number): void {
    const day = Math.floor(this.#options.now() / dayMilliseconds);
    if (day !== this.#day) {
      this.#day = day;
      this.#writtenToday = 0;
    }
    this.#written += bytes;
    this.#writtenToday += bytes;
  }
}

/** What the ledger is to say: of every epoch, what the segments do not. */
function ledgerEpochs(book: Book): LedgerEpoch[] {
  const segments = Map.groupBy(book.segments, (segment) => segment.epoch.epoch);
  return book.epochs.map(({ epoch, boot, parent, base, end }) => {
    const acknowledged = (segments.get(epoch) ?? []).flatMap(({ stored }) =>
      stored.list().flatMap(({ first, last }) => book.acknowledgedIn(first, last)),
    );
    const numbers = (ranges: readonly { first: number; last: number }[]) =>
      pairs(ranges.map(({ first, last }) => ({ first: first - base, last: last - base })));
    return {
      epoch,
      boot,
      parent,
      next: end - base,
      undeclared: numbers(book.undeclared.within(base, end - 1)),
      acknowledged: numbers(acknowledged),
    };
  });
}
