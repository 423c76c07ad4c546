/**
 * How long to wait before trying again: full jitter (a time drawn evenly from nothing to a bound that doubles), so
 * that a fleet that lost its cloud in one moment does not come back in one.
 */
export interface Backoff {
  /** Bound of the first wait, in milliseconds. */
  readonly base: number;
  /** No wait is longer, in milliseconds. */
  readonly cap: number;
}

/**
 * Milliseconds to wait.
 *
 * @param failures how many attempts have failed in a row, from 1
 * @param random a number 0 <= n < 1
 */
export function backoffDelay({ base, cap }: Backoff, failures: number, random: number): number {
  return random * Math.min(cap, base * 2 ** (failures - 1));
}
