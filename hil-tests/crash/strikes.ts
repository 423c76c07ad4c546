import type { SeededRandom } from '../rig/random.ts';

const victims = ['gateway', 'cloud', 'both'] as const;
const moments = ['at-work', 'starting', 'offline', 'draining', 'reconnected'] as const;

/** What is killed. */
export type Victim = (typeof victims)[number];

/** What may be killed in a run: one of the two alone, or whatever is drawn. */
export const sides = ['any', 'gateway', 'cloud'] as const;
export type Side = (typeof sides)[number];

/**
 * When: in the middle of work; while it starts; while the link is away and readings gather; while what has gathered
 * drains; right after the link has come back.
 */
export type Moment = (typeof moments)[number];

/** One cycle of a crash run, all of it drawn by lot. */
export interface Strike {
  readonly victim: Victim;
  readonly moment: Moment;
  /** From the moment's beginning to the kill. */
  readonly delayMs: number;
  /** How long the link is away before, where it is. */
  readonly awayMs: number;
  /** Frames that come at once while it is. */
  readonly flood: number;
  /** Of the link each way, in this cycle. */
  readonly latencyMs: number;
}

/** The longest delay of each moment, milliseconds: long enough to get past what the moment is about. */
const longestDelay: Readonly<Record<Moment, number>> = {
  'at-work': 3000,
  starting: 600,
  offline: 3000,
  draining: 500,
  reconnected: 60,
};

/** Frames of a flood at most: more than the journal of a crash run holds. */
const largestFlood = 16_000;

/** Strikes without end: every pair of victim and moment once, in an order drawn by lot, then all of them again. */
export function* strikes(random: SeededRandom, side: Side): Generator<Strike, never> {
  const sought = victims.filter((victim) => side === 'any' || victim === side);
  const pairs = sought.flatMap((victim) => moments.map((moment) => ({ victim, moment })));
  for (;;) {
    const deck = [...pairs];
    while (deck.length > 0) {
      const [pair] = deck.splice(random.integer(0, deck.length - 1), 1);
      if (pair === undefined) break;
      yield {
        ...pair,
        delayMs: random.integer(0, longestDelay[pair.moment]),
        awayMs: random.integer(100, 2000),
        // Most are small, and some too many.
        flood: Math.floor(largestFlood * random.uniform() ** 3),
        latencyMs: random.integer(0, 2) * 25,
      };
    }
  }
}
