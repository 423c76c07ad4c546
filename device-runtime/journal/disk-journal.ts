import { randomBytes } from 'node:crypto';
import type { EventCode } from '@loadline/sdk/contract';
import { FolderInUse } from '@loadline/sdk/platform';
import { type Entry, entryWeight, type NumberRange } from '@loadline/sdk/telemetry';
import { Ages } from './ages.ts';
import type { Book, Epoch, Segment } from './book.ts';
import { dropSegment, keepWithin } from './bounds.ts';
import { JournalDamage } from './bytes.ts';
import { Disk } from './disk.ts';
import { DiskFolder, type JournalFolder } from './folder.ts';
import type { Journal, JournalDisk, Run, Sent } from './journal.ts';
import { Ledger } from './ledger.ts';
import { readFolder } from './opening.ts';
import { SegmentReader } from './reader.ts';

/** Something the journal has to say of itself; what it is about is always the gateway. */
export interface JournalEvent {
  readonly code: Extract<
    EventCode,
    'journal-cut' | 'journal-foreign' | 'journal-full' | 'journal-room' | 'disk-full' | 'disk-recovered'
  >;
  readonly detail: string;
}

export interface JournalOptions {
  /** A path, or what stands for a folder in a test. */
  readonly folder: string | JournalFolder;
  /** 32 hex digits: the boot whose monotonic clock entries count from. */
  readonly boot: string;
  /** Bytes of all that is held, on disk and in memory. */
  readonly maxBytes: number;
  /** Milliseconds an entry may wait for the disk. */
  readonly flushMilliseconds: number;
  /** Milliseconds since 1970, as far as anyone knows: only for the count of bytes a day. */
  readonly now: () => number;
  /** Milliseconds that never step. */
  readonly monotonic: () => number;
  /** Random bytes, as node:crypto gives them. */
  readonly random?: (count: number) => Buffer;
  /** Never called within a call of yours, and not before `open` has resolved. */
  readonly onEvent: (event: JournalEvent) => void;
}

/** Bytes of heap that entries may take that the disk does not take. */
const memoryBytes = 8 * 1024 * 1024;
/** Entries in memory past which they are written before their time. */
const manyEntries = 4096;
/** How many segments a full journal has at least: what is dropped at a time is one of them. */
const segmentsOfAll = 16;
const segmentBytesMost = 256 * 1024;
/** A journal that was full has room again when this much of it is free. */
const roomAgain = 1 / 8;
/** Into how many steps of age the flush time is divided. */
const ageSteps = 16;
/** Least milliseconds between two attempts at a disk that takes nothing: they cost, and nothing is won by hurrying. */
const retryLeast = 100;
/** Characters of an event's detail, well below what limits.eventDetailBytes allows. */
const detailCharacters = 250;

/** Bytes past which a segment is not written to any more. */
function segmentBytesOf({ maxBytes }: JournalOptions): number {
  return Math.min(segmentBytesMost, Math.floor(maxBytes / segmentsOfAll));
}

/** The journal: see `Journal`. */
export class DiskJournal implements Journal {
  readonly epoch: string;
  readonly #options: JournalOptions;
  readonly #folder: JournalFolder;
  readonly #book: Book;
  readonly #disk: Disk;
  readonly #reader: SegmentReader;
  readonly #ages: Ages;
  #timer: NodeJS.Timeout | undefined;
  #passing = false;
  #closed = false;
  #full = false;
  /** Whether `open` is about to resolve: events wait for it. */
  #ready = false;
  #events: JournalEvent[] = [];
  #retryAt = 0;

  /**
   * Reads what is in the folder and makes a new epoch there, synced. Whatever is in the folder, and whatever the disk
   * says, it succeeds: without a disk that takes it, everything stays in memory until there is one.
   *
   * @throws {FolderInUse} where another process has the folder
   */
  static async open(options: JournalOptions): Promise<DiskJournal> {
    const folder = typeof options.folder === 'string' ? new DiskFolder(options.folder) : options.folder;
    try {
      await folder.take();
    } catch (error) {
      // Without a lock there is no folder to write to either; that will be said then.
      if (error instanceof FolderInUse) throw error;
    }
    const ledger = new Ledger(folder);
    const epoch = (options.random ?? randomBytes)(16).toString('hex');
    const found: JournalEvent[] = [];
    const { book, sequence } = await readFolder(
      folder,
      ledger,
      { epoch, boot: options.boot, segmentBytes: segmentBytesOf(options) },
      (code, detail) => found.push({ code, detail }),
    );
    const journal = new DiskJournal(options, { folder, ledger, book, sequence, found });
    await journal.#disk.pass('tidy').catch(() => {});
    journal.#bound();
    journal.#arm();
    journal.#ready = true;
    if (journal.#events.length > 0) setImmediate(() => journal.#deliver());
    return journal;
  }

  private constructor(
    options: JournalOptions,
    parts: {
      readonly folder: JournalFolder;
      readonly ledger: Ledger;
      readonly book: Book;
      readonly sequence: number;
      readonly found: readonly JournalEvent[];
    },
  ) {
    const { folder, ledger, book, sequence } = parts;
    this.#options = options;
    this.#folder = folder;
    this.#book = book;
    this.epoch = book.own.epoch;
    this.#ages = new Ages(options.flushMilliseconds / ageSteps);
    this.#reader = new SegmentReader(folder);
    const segmentBytes = segmentBytesOf(options);
    const tell = (code: JournalEvent['code'], detail: string) => this.#tell(code, detail);
    const { now } = options;
    this.#disk = new Disk({ folder, ledger, book, reader: this.#reader, sequence, segmentBytes, now, tell });
    for (const { code, detail } of parts.found) this.#tell(code, detail);
  }

  get next(): number {
    return this.#book.next;
  }

  get held(): number {
    return this.#book.held.count;
  }

  get heldBytes(): number {
    return this.#book.heldBytes;
  }

  get dropped(): number {
    return this.#book.dropped.count;
  }

  get disk(): JournalDisk {
    return this.#disk.stats;
  }

  append(entry: Entry): void {
    this.#ages.note(this.#book.next, this.#options.monotonic());
    this.#book.append(entry);
    this.#bound();
    if (this.#book.pending.count >= manyEntries && this.#disk.state === 'good') this.#pass('write');
    else if (this.#timer === undefined) this.#arm();
  }

  heldRanges(): readonly NumberRange[] {
    return this.#book.held.list();
  }

  heldIn(range: NumberRange): number | undefined {
    const found = this.#book.held.from(range.first);
    return found !== undefined && found.first <= range.last ? found.first : undefined;
  }

  cut(range: NumberRange, maxBytes: number, maxEntries: number): Run | undefined {
    for (;;) {
      const found = this.#book.held.from(range.first);
      if (found === undefined || found.first > range.last) return undefined;
      const epoch = this.#book.epochOf(found.first);
      const last = Math.min(found.last, range.last, epoch.end - 1, found.first + maxEntries - 1);
      const { entries, bytes, damage } = this.#collect(found.first, last, maxBytes);
      if (entries.length > 0) {
        const header = this.#header(epoch, found.first);
        return { position: found.first, count: entries.length, header, entries, bytes };
      }
      if (!damage) return undefined;
    }
  }

  declaration(): Run | undefined {
    for (const epoch of this.#book.epochs) {
      const header = this.#book.headerOf(epoch, epoch.end - epoch.base);
      const heldOne = this.heldIn({ first: epoch.base, last: epoch.end - 1 }) !== undefined;
      if (heldOne || header.dropped.length === 0) continue;
      return { position: epoch.end, count: 0, header, entries: [], bytes: 0 };
    }
    return undefined;
  }

  acknowledge({ position, count, header }: Sent): void {
    const base = position - header.first;
    if (count > 0) this.#book.acknowledge(position, position + count - 1);
    for (const { first, last } of header.dropped) this.#book.declared(base + first, base + last);
    if (this.#full && this.#book.heldBytes <= this.#options.maxBytes * (1 - roomAgain)) {
      this.#full = false;
      this.#tell('journal-room', `${this.held} entries, ${this.heldBytes} bytes held`);
    }
    this.#tidySoon();
  }

  async flush(): Promise<void> {
    await this.#disk.pass('write');
    this.#arm();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.flush().catch(() => {});
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#disk.close();
    await this.#folder.release();
    this.#deliver();
  }

  #header(epoch: Epoch, position: number) {
    return this.#book.headerOf(epoch, position - epoch.base);
  }

  /** Entries from `first` to `last`, all of one epoch and held, as many as fit. */
  #collect(
    first: number,
    last: number,
    maxBytes: number,
  ): { entries: Entry[]; bytes: number; damage: boolean } {
    const entries: Entry[] = [];
    let bytes = 0;
    let position = first;
    while (position <= last) {
      const segment = position < this.#book.memoryFrom ? this.#book.segmentOf(position) : undefined;
      let from = position;
      let block: readonly (Entry | undefined)[];
      try {
        if (segment === undefined) block = [this.#book.pending.at(position)];
        else ({ first: from, entries: block } = this.#reader.block(segment, position));
      } catch (error) {
        if (!(error instanceof JournalDamage) || segment === undefined) throw error;
        this.#damaged(segment, position, error.message);
        return { entries, bytes, damage: true };
      }
      const end = Math.min(last, from + block.length - 1);
      for (; position <= end; position++) {
        const entry = block[position - from] as Entry;
        const weight = entryWeight(entry);
        if (bytes + weight > maxBytes) return { entries, bytes, damage: false };
        entries.push(entry);
        bytes += weight;
      }
    }
    return { entries, bytes, damage: false };
  }

  /** The file went bad after it was written: what it holds from here on is lost, and that is said. */
  #damaged(segment: Segment, position: number, reason: string): void {
    const last = segment.stored.last ?? position;
    this.#reader.forget(segment);
    this.#disk.leave(segment);
    this.#book.drop(position, last);
    const { base } = segment.epoch;
    const numbers = `numbers ${position - base} to ${last - base} are lost, and declared`;
    this.#tell('journal-cut', `${segment.name}: ${reason}; ${numbers}`);
    this.#tidySoon();
  }

  /** Drops the oldest while there is more than there may be; the newest entry always stays. */
  #bound(): void {
    const before = this.dropped;
    keepWithin(this.#book, { maxBytes: this.#options.maxBytes, memoryBytes }, (gone) =>
      this.#disk.doom(gone),
    );
    if (this.dropped > before && !this.#full) {
      this.#full = true;
      this.#tell(
        'journal-full',
        `${this.held} entries, ${this.heldBytes} bytes held; the oldest are dropped`,
      );
    }
    if (this.#disk.hasDoomed) this.#tidySoon();
  }

  /** When the oldest entry in memory is to be on disk; undefined where there is none. */
  #dueAt(): number | undefined {
    const oldest = this.#book.held.from(this.#book.memoryFrom)?.first;
    if (oldest !== undefined) return this.#ages.of(oldest) + this.#options.flushMilliseconds;
    this.#ages.clear();
    return undefined;
  }

  #arm(): void {
    if (this.#closed || this.#passing || this.#timer !== undefined) return;
    // Asked for in any case: it lets go of the ages of what is not held any more.
    const oldestDue = this.#dueAt();
    const due = this.#disk.state === 'good' ? oldestDue : this.#retryAt;
    if (due === undefined) return;
    this.#timer = setTimeout(() => this.#tick(due), Math.max(0, due - this.#options.monotonic()));
  }

  #tick(due: number): void {
    this.#timer = undefined;
    const crowded = this.#disk.state === 'full' && this.#book.pending.heapBytes > memoryBytes / 2;
    // What fills the disk may be the journal itself: the oldest goes before the newest would.
    if (crowded && dropSegment(this.#book, (gone) => this.#disk.doom(gone))) this.#bound();
    // A little early is in time: timers count in whole milliseconds.
    const isDue = this.#disk.state !== 'good' || (this.#dueAt() ?? Number.POSITIVE_INFINITY) <= due + 1;
    if (isDue) this.#pass('write');
    else this.#arm();
  }

  #tidySoon(): void {
    if (this.#disk.state === 'good' && (this.#disk.hasDoomed || this.#book.hasRetired)) this.#pass('tidy');
  }

  #pass(write: 'write' | 'tidy'): void {
    if (this.#passing || this.#closed) return;
    this.#passing = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const done = () => {
      this.#passing = false;
      this.#retryAt = this.#options.monotonic() + Math.max(this.#options.flushMilliseconds, retryLeast);
      this.#arm();
      this.#tidySoon();
    };
    // What fails is told, and tried again.
    this.#disk.pass(write).then(done, done);
  }

  #tell(code: JournalEvent['code'], detail: string): void {
    this.#events.push({ code, detail: detail.slice(0, detailCharacters) });
    if (this.#ready && this.#events.length === 1) setImmediate(() => this.#deliver());
  }

  #deliver(): void {
    const events = this.#events;
    this.#events = [];
    for (const event of events) this.#options.onEvent(event);
  }
}
