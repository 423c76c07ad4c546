import type { Entry } from '@loadline/sdk/telemetry';
import type { Segment } from './book.ts';
import { JournalDamage } from './bytes.ts';
import { EntryDecoder } from './decoder.ts';
import type { JournalFolder } from './folder.ts';
import { decodePayload, headerBytes, payloadAt, recordLength } from './segment.ts';

/** Bytes read from the disk at a time. */
const blockBytes = 64 * 1024;
/** Places kept: one for the backlog, one for what is live, one for a resend of either. */
const cursors = 3;

/** The entries of one record; `first` is a position. */
export interface Block {
  readonly first: number;
  readonly entries: readonly Entry[];
}

/**
 * Reads entries back. Segments are read from their beginning, since each reading is written as what differs from the
 * one before; a place once reached is kept, so that who goes on from there does not begin again.
 */
export class SegmentReader {
  readonly #folder: JournalFolder;
  /** The last used comes first. */
  #cursors: Cursor[] = [];

  constructor(folder: JournalFolder) {
    this.#folder = folder;
  }

  /**
   * The record with the entry at `position`, which the segment stores.
   *
   * @throws {JournalDamage} where the file does not give it any more, and why
   */
  block(segment: Segment, position: number): Block {
    let cursor = this.#cursors.find((each) => each.segment === segment && each.reaches(position));
    cursor ??= new Cursor(segment, this.#folder);
    this.#cursors = [cursor, ...this.#cursors.filter((each) => each !== cursor)].slice(0, cursors);
    return cursor.seek(position);
  }

  /** Lets go of a segment that is to be deleted, or is damaged. */
  forget(segment: Segment): void {
    this.#cursors = this.#cursors.filter((each) => each.segment !== segment);
  }
}

class Cursor {
  readonly segment: Segment;
  readonly #folder: JournalFolder;
  readonly #decoder = new EntryDecoder();
  #block: Block | undefined;
  /** Where the next record begins in the file, and the bytes at hand. */
  #offset = headerBytes;
  #bytes: Buffer = Buffer.alloc(0);
  #bytesFrom = 0;

  constructor(segment: Segment, folder: JournalFolder) {
    this.segment = segment;
    this.#folder = folder;
  }

  /** Whether `position` is not behind. */
  reaches(position: number): boolean {
    return this.#block === undefined || this.#block.first <= position;
  }

  seek(position: number): Block {
    for (;;) {
      const block = this.#block;
      if (block !== undefined && block.first <= position && position < block.first + block.entries.length) {
        return block;
      }
      this.#next();
    }
  }

  #next(): void {
    const { segment } = this;
    if (this.#offset >= segment.bytes) throw new JournalDamage('an entry is not where it was written');
    let length = recordLength(this.#bytes, this.#offset - this.#bytesFrom);
    if (length === undefined) {
      this.#read(blockBytes);
      length = recordLength(this.#bytes, 0);
      if (length === undefined && this.#bytes.length === blockBytes) {
        this.#read(segment.bytes - this.#offset);
        length = recordLength(this.#bytes, 0);
      }
    }
    if (length === undefined) throw new JournalDamage('the file ends too early');
    const payload = payloadAt(this.#bytes, this.#offset - this.#bytesFrom, length, segment.seed);
    const { first, entries } = decodePayload(payload, this.#decoder);
    this.#offset += length;
    this.#block = { first: first + segment.epoch.base, entries };
  }

  #read(length: number): void {
    const { name, at, bytes } = this.segment;
    const wanted = Math.min(length, bytes - this.#offset);
    try {
      this.#bytes = this.#folder.readSync(name, at + this.#offset, wanted);
    } catch {
      // Once more: what a card gives at the second attempt is not lost.
      try {
        this.#bytes = this.#folder.readSync(name, at + this.#offset, wanted);
      } catch (error) {
        throw new JournalDamage(`it cannot be read: ${(error as Error).message}`);
      }
    }
    this.#bytesFrom = this.#offset;
  }
}
