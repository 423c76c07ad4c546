import type { Anchor } from '@loadline/sdk/telemetry';
import { contradiction, drift, type Word, wordAt } from './word.ts';

/** Milliseconds after which a new anchor is due in any case. */
const hour = 3_600_000;
/** Milliseconds between two anchors at the least, whatever the clocks do. */
const leastMilliseconds = 10_000;
/** Milliseconds by which the time must have turned out otherwise for an anchor before the hour. */
const otherwise = 500;

/**
 * When an anchor is due, and what it says. Only what somebody vouches for becomes one, so the readings of a boot may be
 * without for a while; the cloud resolves them once, by the first that comes.
 *
 * An anchor's uncertainty covers the drift of the hour it is used for: `|error| <= uncertainty`, and 100 ppm more of
 * whatever lies beyond that hour, before the first anchor of a boot or after the last.
 */
export class Anchors {
  #last: Anchor | undefined;

  /** The anchor that is due now, by what is known now; undefined where none is. */
  due(known: Word): Anchor | undefined {
    const monotonic = Math.round(known.monotonic);
    const now = wordAt(known, monotonic);
    if (this.#last !== undefined && !this.#isDue(this.#last, now)) return undefined;
    this.#last = {
      kind: 'anchor',
      monotonic,
      wall: Math.round(now.wall),
      uncertainty: Math.ceil(now.uncertainty + hour * drift) + 1,
    };
    return this.#last;
  }

  #isDue(last: Anchor, now: Word): boolean {
    const elapsed = now.monotonic - last.monotonic;
    if (elapsed >= hour) return true;
    if (elapsed < leastMilliseconds) return false;
    const byLast = wordAt(last, now.monotonic);
    if (Math.abs(byLast.wall - now.wall) > otherwise || contradiction(byLast, now) > 0) return true;
    // Somebody knows it much better than the one who vouched for the last.
    return now.uncertainty + hour * drift + otherwise < last.uncertainty / 2;
  }
}
