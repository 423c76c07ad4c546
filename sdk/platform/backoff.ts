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

/** A connection that has ended. */
export interface Ended {
  /** Milliseconds it stood. */
  readonly stood: number;
  /** Whether the cloud acknowledged anything on it. */
  readonly served: boolean;
}

/** Milliseconds a connection must have stood for its end to be no failure of those before. */
const stableMilliseconds = 10_000;
/** Failures that are left where a connection stood for less, but served: a bound of eight times the base. */
const servedFailures = 3;

/**
 * Failures in a row after a connection has ended, its end not counted yet.
 *
 * One that stood long starts again at nothing. One that served shortly was a cloud that works and went away: a cloud
 * restarted five times in a row must not be waited for as one that has been away all day. One that stood for a
 * moment and did nothing counts like no connection at all: two gateways cloned from one card end each other's
 * connections this way, and would do so several times a second.
 */
export function failuresAfter(failures: number, { stood, served }: Ended): number {
  if (stood >= stableMilliseconds) return 0;
  return served ? Math.min(failures, servedFailures) : failures;
}
