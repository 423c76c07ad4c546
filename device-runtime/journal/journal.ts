import type { Entry, NumberRange } from '@loadline/sdk/telemetry';

/** Consecutive entries of an epoch, as a batch carries them. */
export interface Run {
  /** The number of the first entry. */
  readonly first: number;
  readonly entries: readonly Entry[];
  /** About how many bytes they take in a batch before compression (`entryWeight`). */
  readonly bytes: number;
}

/**
 * Everything that was read and is not yet acknowledged, numbered.
 *
 * One opening is one epoch: a random name, and numbers from 0 that are never used again, whatever is dropped,
 * acknowledged or torn off by a crash. The journal is the only memory of what is still to be sent; whoever sends
 * keeps no more than a view of it, so a lost connection loses nothing. Its methods do not wait: an
 * implementation on disk gathers its writes and says by its own means what of them has reached the disk.
 */
export interface Journal {
  /** 32 hex digits. */
  readonly epoch: string;
  /** The epoch before and the last number it used; undefined for the first, and for a journal in memory. */
  readonly parent: { readonly epoch: string; readonly last: number } | undefined;
  /** The number the next entry will get. */
  readonly next: number;
  /** The oldest number held; `next` where nothing is. */
  readonly oldest: number;
  /** Entries held. */
  readonly held: number;
  /** Bytes the held entries take up in the journal, the measure of its bound. */
  readonly heldBytes: number;
  /** Entries that were dropped and never acknowledged. */
  readonly dropped: number;
  /** Numbers and keeps an entry; where there is no room for it, the oldest are dropped, and to be declared. */
  append(entry: Entry): number;
  /** The numbers held, ascending. */
  heldRanges(): readonly NumberRange[];
  /**
   * The first run of held entries within `range`: no more than `maxBytes` of them (`entryWeight`), none larger
   * than `maxEntries`, ending before the first number that is not held. Undefined where the first of them does not
   * fit, and where nothing in `range` is held: `heldIn` tells which.
   */
  cut(range: NumberRange, maxBytes: number, maxEntries: number): Run | undefined;
  /** The first number held within `range`. */
  heldIn(range: NumberRange): number | undefined;
  /** Forgets entries that the cloud has acknowledged, in whatever order it does. */
  retire(first: number, count: number): void;
  /** The oldest dropped ranges the cloud has not acknowledged to know of, at most `limit`. */
  undeclared(limit: number): readonly NumberRange[];
  /** The cloud has acknowledged a batch that declared these ranges dropped. */
  declared(ranges: readonly NumberRange[]): void;
}
