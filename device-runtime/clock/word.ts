import { limits } from '@loadline/sdk/contract';

/** Somebody's word for the time: at `monotonic` it was `wall`, give or take `uncertainty`. Milliseconds. */
export interface Word {
  readonly monotonic: number;
  readonly wall: number;
  readonly uncertainty: number;
}

/** How far the monotonic clock may run off, in parts of one: 100 ppm, twice what a Pi's crystal does in frost. */
export const drift = 100e-6;

/**
 * A word that may be off further than this is no longer one, in milliseconds: the cloud sets readings apart that lie
 * further ahead. At 100 ppm an exact word lasts 34 days.
 */
const worthMilliseconds = limits.futureMilliseconds;

/** What a word says of another instant of the same boot: it grows vaguer as the monotonic clock runs off. */
export function wordAt(word: Word, monotonic: number): Word {
  const elapsed = monotonic - word.monotonic;
  return {
    monotonic,
    wall: word.wall + elapsed,
    uncertainty: word.uncertainty + Math.abs(elapsed) * drift,
  };
}

/** The same, while the word is still worth something. */
export function worth(word: Word | undefined, monotonic: number): Word | undefined {
  if (word === undefined) return undefined;
  const now = wordAt(word, monotonic);
  return now.uncertainty <= worthMilliseconds ? now : undefined;
}

/** By how many milliseconds two words of one instant differ beyond what both admit; 0 where both can be true. */
export function contradiction(one: Word, other: Word): number {
  return Math.max(0, Math.abs(one.wall - other.wall) - one.uncertainty - other.uncertainty);
}
