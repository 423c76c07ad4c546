import { RigError } from './errors.ts';

/** Options of `until`. */
export interface UntilOptions {
  /** Milliseconds after which it is given up. Default: 20,000, which only a test that fails waits for. */
  readonly limitMs?: number;
  /** What is being waited for, in words, for the message when it does not come. Default: the condition's source. */
  readonly what?: string;
}

const POLL_MS = 2;

/**
 * Waits until `condition` returns something truthy, and returns that. Rejects with RigError `timeout` when it does
 * not within the limit. Tests wait with this instead of sleeping a guess.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  options: UntilOptions = {},
): Promise<NonNullable<T>> {
  const { limitMs = 20_000, what = String(condition) } = options;
  const end = performance.now() + limitMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > end) throw new RigError('timeout', `waited ${limitMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
