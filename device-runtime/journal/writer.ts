import type { NumberRange } from '@loadline/sdk/telemetry';
import type { Book, Epoch, Segment } from './book.ts';
import { ByteWriter } from './bytes.ts';
import { EntryEncoder } from './encoder.ts';
import type { JournalFile, JournalFolder } from './folder.ts';
import { Ranges } from './ranges.ts';
import { encodeHeader, frame, segmentName } from './segment.ts';

/** Entries of one record at most: what a reader holds in memory, and a bad block may cost. */
const recordEntries = 512;

/** Records made of what is in memory, ready to be written. */
export interface Records {
  readonly bytes: Buffer;
  readonly ranges: readonly NumberRange[];
  /** Everything held before this position is in them, or was written before. */
  readonly until: number;
}

/** The one file that is being written. Thrown away with all it knows as soon as anything fails. */
export class SegmentWriter {
  readonly segment: Segment;
  readonly #file: JournalFile;
  readonly #encoder = new EntryEncoder();
  readonly #payload = new ByteWriter();
  readonly #entries = new ByteWriter();

  private constructor(file: JournalFile, segment: Segment) {
    this.#file = file;
    this.segment = segment;
  }

  /** Makes a segment of which the header is on disk, synced, and its name too. */
  static async create(
    folder: JournalFolder,
    sequence: number,
    epoch: Epoch,
    first: number,
  ): Promise<SegmentWriter> {
    const name = segmentName(sequence, epoch.epoch);
    const { bytes, seed } = encodeHeader({
      epoch: epoch.epoch,
      boot: epoch.boot,
      parent: epoch.parent,
      first,
    });
    const file = await folder.create(name);
    try {
      await file.write(bytes, 0);
      await file.sync();
      await folder.sync();
    } catch (error) {
      await file.close().catch(() => {});
      await folder.remove(name).catch(() => {});
      throw error;
    }
    const stored = new Ranges();
    return new SegmentWriter(file, { name, at: 0, epoch, seed, stored, held: 0, bytes: bytes.length });
  }

  /**
   * Makes records of what the book holds in memory before `until`, up to about `maxBytes`. They must be written, or
   * this writer abandoned: its dictionary counts on them.
   */
  encode(book: Book, until: number, maxBytes: number): Records {
    const frames: Buffer[] = [];
    const ranges: NumberRange[] = [];
    let bytes = 0;
    let at = book.memoryFrom;
    while (bytes < maxBytes) {
      const run = book.held.from(at);
      if (run === undefined || run.first >= until) {
        at = until;
        break;
      }
      const last = Math.min(run.last, until - 1, run.first + recordEntries - 1);
      this.#entries.clear();
      let position = run.first;
      while (position <= last && this.#entries.length < maxBytes) {
        const entry = book.pending.at(position);
        if (entry === undefined) throw new Error(`position ${position} is held, and not in memory`);
        this.#encoder.encode(entry, this.#entries);
        position++;
      }
      this.#payload.clear();
      this.#payload.varint(run.first - this.segment.epoch.base);
      this.#payload.varint(position - run.first);
      const record = frame(Buffer.concat([this.#payload.take(), this.#entries.take()]), this.segment.seed);
      frames.push(record);
      bytes += record.length;
      ranges.push({ first: run.first, last: position - 1 });
      at = position;
    }
    return { bytes: Buffer.concat(frames), ranges, until: at };
  }

  /** Writes and syncs. @throws whatever the disk says; then this writer is not to be used again */
  async write(records: Records): Promise<void> {
    await this.#file.write(records.bytes, this.segment.bytes);
    await this.#file.sync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** After a failure: cuts off what is not known to have arrived, if the disk lets us. */
  async abandon(): Promise<void> {
    await this.#file.truncate(this.segment.bytes).catch(() => {});
    await this.#file.close().catch(() => {});
  }
}
