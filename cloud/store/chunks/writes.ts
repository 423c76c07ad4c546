import type { Aspect } from '@loadline/sdk/telemetry';
import type { ChunkBodies } from './codec.ts';
import type { SeriesName } from './readings.ts';
import type { Summary } from './summary.ts';

/** A chunk to be written. */
export interface NewChunk extends ChunkBodies {
  readonly tag: number;
  readonly aspect: Aspect;
  readonly summary: Summary;
  /** Whether more may be merged into it. */
  readonly open: boolean;
  /** Its readings of each epoch, by the epoch's row number. */
  readonly epochs: readonly { readonly epoch: number; readonly count: number }[];
}

/**
 * A slice of merging, prepared on another thread: readings of some deliveries of one device as chunks, in place of those
 * deliveries and of the open chunks they were merged with. Taken whole, or, where one of these is no longer what it was
 * when it was read, not at all.
 */
export interface MergeWrite {
  readonly kind: 'merge';
  readonly device: number;
  /** `mergedBelow` as it was read; `next`: null where nothing is left in it. */
  readonly deliveries: readonly {
    readonly id: number;
    readonly mergedBelow: number;
    readonly next: number | null;
  }[];
  /** Chunks that are replaced. */
  readonly replaced: readonly number[];
  readonly added: readonly NewChunk[];
}

/** A chunk whose first readings have expired, and what is left of it. */
export interface ChunkCut {
  readonly chunk: number;
  /** Readings that go. */
  readonly expired: number;
  readonly left: NewChunk;
}

/**
 * Readings of a series from before a time, ms since 1970: whole chunks that end before it, the oldest first, at most
 * `most`, and of those that go on after it what was cut off them on another thread.
 */
export interface ExpireWrite extends SeriesName {
  readonly kind: 'expire';
  readonly before: number;
  readonly most: number;
  readonly cuts: readonly ChunkCut[];
}
