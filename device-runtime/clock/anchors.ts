import type { Anchor } from '@loadline/sdk/telemetry';
import type { Clock } from './clock.ts';

/** Milliseconds after which a new anchor is due in any case: bounds the drift between two anchors. */
export const anchorMilliseconds = 3_600_000;
/** Milliseconds the wall clock must have moved against the monotonic one for a new anchor to be due at once. */
const stepMilliseconds = 500;

/** An anchor of this instant. */
export function anchorNow(clock: Clock): Anchor {
  return {
    kind: 'anchor',
    monotonic: Math.round(clock.monotonic()),
    wall: Math.round(clock.wall()),
    uncertainty: Math.round(clock.uncertainty()),
  };
}

/** Whether `now` says something that `last` does not: an hour has passed, or the wall clock was moved. */
export function anchorDue(last: Anchor, now: Anchor): boolean {
  const moved = now.wall - now.monotonic - (last.wall - last.monotonic);
  return now.monotonic - last.monotonic >= anchorMilliseconds || Math.abs(moved) > stepMilliseconds;
}
