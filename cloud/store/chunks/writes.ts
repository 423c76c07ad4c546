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

/** Whole chunks of a series that end before a time, ms since 1970, the oldest first, at most `most`. */
export interface ExpireWrite extends SeriesName {
  readonly kind: 'expire';
  readonly before: number;
  readonly most: number;
}
