/**
 * Wall time of a boot's monotonic clock. A delivery is resolved once, with the anchors known at its commit,
 * and keeps its timeline: an anchor that comes later changes nothing that was already resolved.
 */

/** One anchor: at `monotonic` ms since boot the wall clock stood at `wall` ms since 1970. */
export interface TimelinePoint {
  readonly monotonic: number;
  readonly wall: number;
}

/** Anchors in ascending order of their monotonic time; never empty. */
export type Timeline = readonly TimelinePoint[];

/** Of a boot whose clock is the wall's: its times are milliseconds since 1970. */
export const wallTimeline: Timeline = [{ monotonic: 0, wall: 0 }];

/** Wall time in ms since 1970: by the last anchor at or before `monotonic`, else by the first after it. */
export function wallTime(timeline: Timeline, monotonic: number): number {
  let low = 0;
  let high = timeline.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((timeline[middle] as TimelinePoint).monotonic <= monotonic) low = middle;
    else high = middle;
  }
  const anchor = timeline[low] as TimelinePoint;
  return anchor.wall + (monotonic - anchor.monotonic);
}

/** Earliest and latest wall time of the span `from`..`to` (monotonic ms): a clock that is set back makes it fold. */
export function wallSpan(timeline: Timeline, from: number, to: number): { first: number; last: number } {
  const walls = [wallTime(timeline, from), wallTime(timeline, to)];
  for (let index = 1; index < timeline.length; index++) {
    const [before, point] = [timeline[index - 1], timeline[index]] as [TimelinePoint, TimelinePoint];
    if (point.monotonic <= from || point.monotonic > to) continue;
    walls.push(point.wall, before.wall + (point.monotonic - before.monotonic));
  }
  return { first: Math.floor(Math.min(...walls)), last: Math.ceil(Math.max(...walls)) };
}
