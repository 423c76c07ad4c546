import { limits } from '@loadline/sdk/contract';
import type { BatchHeader, Entry, NumberRange } from '@loadline/sdk/telemetry';
import { Pending } from './pending.ts';
import { Ranges } from './ranges.ts';

/** One epoch's place among the positions: number n is position `base + n`. */
export interface Epoch {
  readonly epoch: string;
  readonly boot: string;
  readonly parent: { readonly epoch: string; readonly last: number } | undefined;
  readonly base: number;
  /** The position after its last; grows in the epoch of this opening, fixed in all others. */
  end: number;
}

/** A segment on disk, as it is known without reading it. */
export interface Segment {
  /** Its file, which merged segments share. */
  readonly name: string;
  /** Where in the file it begins. */
  readonly at: number;
  readonly epoch: Epoch;
  readonly seed: number;
  /** Positions it has on disk, synced. */
  readonly stored: Ranges;
  /** How many of them are held. */
  held: number;
  /** Bytes of it that are whole and synced. */
  bytes: number;
}

/**
 * What is held, where it is, and what was dropped: all in positions, none of it the entries themselves but those not
 * on disk yet. Below `memoryFrom` everything held is in a segment, from there on everything is in memory.
 */
export class Book {
  /** Ascending; the last is that of this opening. */
  epochs: Epoch[];
  /** Ascending, and no two store the same position. */
  segments: Segment[];
  readonly held = new Ranges();
  /** Dropped since the opening and never acknowledged. */
  readonly dropped = new Ranges();
  /** Dropped, and the cloud does not know yet. */
  readonly undeclared = new Ranges();
  readonly pending: Pending;
  memoryFrom: number;
  /** The segment that is written to: never dropped, never deleted. */
  current: Segment | undefined;
  /** Whether what is undeclared or acknowledged has changed since the ledger was written. */
  ledgerIsOld = false;
  /** Whether entries that were never on disk have been dropped since the last ledger: nothing else tells of them. */
  hasVanished = false;
  /** Whether there may be segments of which nothing is held any more. */
  hasRetired = true;
  #segmentBytes = 0;

  /** Segments count as held whatever they store; `acknowledge` and `drop` afterwards. */
  constructor(epochs: readonly Epoch[], segments: readonly Segment[]) {
    this.epochs = [...epochs];
    this.segments = [...segments];
    this.memoryFrom = this.own.base;
    this.pending = new Pending(this.memoryFrom);
    for (const segment of this.segments) {
      for (const { first, last } of segment.stored.list()) this.held.add(first, last);
      segment.held = segment.stored.count;
      if (segment.held > 0) this.#segmentBytes += segment.bytes;
    }
  }

  /** The epoch of this opening. */
  get own(): Epoch {
    return this.epochs.at(-1) as Epoch;
  }

  get next(): number {
    return this.pending.next;
  }

  /** Bytes of all segments with something held in them, and of what is in memory. */
  get heldBytes(): number {
    return this.#segmentBytes + this.pending.diskBytes;
  }

  append(entry: Entry): void {
    const position = this.next;
    this.pending.push(entry);
    this.held.add(position, position);
    this.own.end = position + 1;
  }

  /** `first..last` of what is in memory is in `segment` now, in `ranges`, which grew by `bytes`. */
  wrote(segment: Segment, ranges: readonly NumberRange[], bytes: number, until: number): void {
    if (segment.held > 0) this.#segmentBytes += bytes;
    segment.bytes += bytes;
    const before = segment.held;
    for (const { first, last } of ranges) {
      segment.stored.add(first, last);
      for (const held of this.held.within(first, last)) segment.held += held.last - held.first + 1;
    }
    if (before === 0 && segment.held > 0) this.#segmentBytes += segment.bytes;
    this.pending.release(this.memoryFrom, until - 1);
    this.memoryFrom = until;
  }

  /** The cloud has them. */
  acknowledge(first: number, last: number): void {
    this.#release(this.held.remove(first, last));
    // Dropped while it was on its way, and it arrived after all.
    this.dropped.remove(first, last);
    this.declared(first, last);
  }

  /** The cloud knows they were dropped. */
  declared(first: number, last: number): void {
    if (this.undeclared.remove(first, last).length > 0) this.ledgerIsOld = true;
  }

  /** Gives up what is held of `first..last`. */
  drop(first: number, last: number): void {
    const removed = this.held.remove(first, last);
    this.#release(removed);
    for (const range of removed) {
      this.dropped.add(range.first, range.last);
      this.undeclared.add(range.first, range.last);
      this.ledgerIsOld = true;
      if (range.last >= this.memoryFrom) this.hasVanished = true;
    }
  }

  /** They may have been held once, and are lost: to be declared, unless they are held after all. */
  lost(first: number, last: number): void {
    this.undeclared.add(first, last);
    for (const range of this.held.within(first, last)) this.undeclared.remove(range.first, range.last);
    this.ledgerIsOld = true;
  }

  /** What of `first..last` was acknowledged: neither held nor to be declared. */
  acknowledgedIn(first: number, last: number): readonly NumberRange[] {
    const rest = new Ranges();
    rest.add(first, last);
    for (const range of this.held.within(first, last)) rest.remove(range.first, range.last);
    for (const range of this.dropped.within(first, last)) rest.remove(range.first, range.last);
    return rest.list();
  }

  /** The segment that stores a position. */
  segmentOf(position: number): Segment | undefined {
    return this.segments[this.#segmentFrom(position)];
  }

  epochOf(position: number): Epoch {
    return this.epochs.findLast(({ base }) => base <= position) as Epoch;
  }

  /** What a batch of `epoch` that begins with number `first` says of itself. */
  headerOf({ epoch, parent, boot, base, end }: Epoch, first: number): BatchHeader {
    const held = this.held.from(base);
    const oldest = held !== undefined && held.first < end ? held.first : end;
    const dropped = this.undeclared
      .within(base, end - 1, limits.batchDroppedRanges)
      .map((range) => ({ first: range.first - base, last: range.last - base }));
    return { epoch, parent, boot, oldest: oldest - base, first, dropped };
  }

  /** Takes segments off the list; what they still hold must have been dropped before. */
  remove(gone: ReadonlySet<Segment>): void {
    this.segments = this.segments.filter((segment) => !gone.has(segment));
  }

  /** Forgets epochs of which there is nothing more to say. */
  prune(): void {
    this.epochs = this.epochs.filter(
      (epoch) =>
        epoch === this.own ||
        this.segments.some((segment) => segment.epoch === epoch) ||
        this.undeclared.within(epoch.base, epoch.end - 1, 1).length > 0,
    );
  }

  #release(removed: readonly NumberRange[]): void {
    for (const { first, last } of removed) {
      this.pending.release(first, last);
      for (let index = this.#segmentFrom(first); index < this.segments.length; index++) {
        const segment = this.segments[index] as Segment;
        if (segment.stored.first === undefined) continue;
        if (segment.stored.first > last) break;
        const before = segment.held;
        for (const part of segment.stored.within(first, last)) segment.held -= part.last - part.first + 1;
        if (before === 0 || segment.held > 0) continue;
        this.#segmentBytes -= segment.bytes;
        if (segment !== this.current) this.hasRetired = true;
      }
    }
  }

  /** Index of the first segment with a position at or after `position`. */
  #segmentFrom(position: number): number {
    let low = 0;
    let high = this.segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      // One that stores nothing (yet) is the newest, or is about to be deleted: look left of it.
      const last = lastOf(this.segments, middle);
      if (last < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The last position up to the segment at `index`: those that store nothing stand for the one before them. */
function lastOf(segments: readonly Segment[], index: number): number {
  for (let at = index; at >= 0; at--) {
    const last = segments[at]?.stored.last;
    if (last !== undefined) return last;
  }
  return -1;
}
