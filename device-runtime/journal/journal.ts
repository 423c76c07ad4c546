import type { BatchHeader, Entry, NumberRange } from '@loadline/sdk/telemetry';

/** What is kept of a run that is on its way: a whole backlog of entries would otherwise wait in memory. */
export interface Sent {
  /** Position of the first entry. */
  readonly position: number;
  /** How many entries it has; 0 where only drops are to be declared. */
  readonly count: number;
  /** Epoch, its parent and boot, the oldest number of it still held, the first number, and drops to declare. */
  readonly header: BatchHeader;
}

/**
 * Consecutive entries of one epoch, as a batch carries them. Positions are this journal's own order over all epochs it
 * holds; numbers are the entries' for good, and count from 0 in each epoch.
 */
export interface Run extends Sent {
  readonly entries: readonly Entry[];
  /** About how many bytes they take in a batch before compression (`entryWeight`). */
  readonly bytes: number;
}

/** What the disk under a journal is like. */
export interface JournalDisk {
  /** `full` and `failing`: what is appended is kept in memory, within the bound, until the disk takes it again. */
  readonly state: 'good' | 'full' | 'failing';
  /** Bytes written since the journal was opened, and since midnight UTC or the opening. */
  readonly written: number;
  readonly writtenToday: number;
}

/**
 * Everything that was read and is not yet acknowledged, numbered, on disk.
 *
 * One opening is one epoch: a random name, written and synced before anything else, and numbers from 0 that are never
 * used again, whatever is dropped, acknowledged or torn off by a crash. Entries of earlier epochs that are still
 * held keep their epoch and numbers, and come before those of this one.
 *
 * The journal is the only memory of what is still to be sent; whoever sends keeps no more than a view of it, so a lost
 * connection loses nothing. Its methods do not wait for the disk: writes are gathered, and what is younger than the
 * flush time may be lost by a power cut, and only that. What is acknowledged sooner is never written at all.
 */
export interface Journal {
  /** 32 hex digits: this opening. */
  readonly epoch: string;
  /** The position the next entry will get. */
  readonly next: number;
  /** Entries held, of all epochs. */
  readonly held: number;
  /** Bytes the held entries take up in the journal, the measure of its bound. */
  readonly heldBytes: number;
  /** Entries that were dropped since the opening and never acknowledged. */
  readonly dropped: number;
  readonly disk: JournalDisk;
  /** Numbers and keeps an entry; where there is no room for it, the oldest are dropped, and to be declared. */
  append(entry: Entry): void;
  /** The positions held, ascending. */
  heldRanges(): readonly NumberRange[];
  /**
   * The first run of held entries within `range` (positions): no more than `maxBytes` of them (`entryWeight`) and
   * `maxEntries`, ending before the first position that is not held and at the end of its epoch. Undefined where the
   * first of them does not fit, and where nothing in `range` is held: `heldIn` tells which.
   */
  cut(range: NumberRange, maxBytes: number, maxEntries: number): Run | undefined;
  /** The first position held within `range`. */
  heldIn(range: NumberRange): number | undefined;
  /** A run without entries, for an epoch of which nothing is held any more and drops are still to be declared. */
  declaration(): Run | undefined;
  /** The cloud has acknowledged the batch of a run: its entries are forgotten, its drops need no declaring. */
  acknowledge(sent: Sent): void;
  /** Writes and syncs everything that is held and not on disk yet. */
  flush(): Promise<void>;
  /** Flushes, and gives the folder up. */
  close(): Promise<void>;
}
