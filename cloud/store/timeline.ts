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

/** Wall time in ms since 1970: by the last anchor at or before `monotonic`, else by the first after it. */
export function wallTime(timeline: Timeline, monotonic: number): number {
  let anchor = timeline[0] as TimelinePoint;
  for (const point of timeline) {
    if (point.monotonic > monotonic) break;
    anchor = point;
  }
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

/** Index of the last anchor at or before `monotonic`; -1 where all are later. */
function lastUntil(anchors: Timeline, monotonic: number): number {
  let low = 0;
  let high = anchors.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((anchors[middle] as TimelinePoint).monotonic <= monotonic) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/**
 * The part of a boot's anchors that a delivery spanning `from`..`to` (monotonic ms) needs: the one in force at
 * its start and those within; undefined where the boot has none.
 */
export function timelineFor(anchors: Timeline, from: number, to: number): Timeline | undefined {
  if (anchors.length === 0) return undefined;
  const start = Math.max(lastUntil(anchors, from), 0);
  return anchors.slice(start, Math.max(lastUntil(anchors, to), start) + 1);
}
