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

/**
 * The part of a boot's anchors that a delivery spanning `from`..`to` (monotonic ms) needs: the one in force at
 * its start and those within; undefined where the boot has none.
 */
export function timelineFor(anchors: Timeline, from: number, to: number): Timeline | undefined {
  if (anchors.length === 0) return undefined;
  let start = 0;
  while (start + 1 < anchors.length && (anchors[start + 1] as TimelinePoint).monotonic <= from) start++;
  let end = start + 1;
  while (end < anchors.length && (anchors[end] as TimelinePoint).monotonic <= to) end++;
  return anchors.slice(start, end);
}
