import type { Point } from './api.ts';

/** The part of a series that the plot holds: what was loaded, and what came live since. */
export interface SeriesWindow {
  /** Ascending in time; no two with the same time and value. */
  readonly points: readonly Point[];
  /** Up to `until` the cloud has thinned: neighbours may lie `spacing` ms apart where nothing is missing. */
  readonly thinned: { readonly until: number; readonly spacing: number } | null;
  /** Live points since the reload that is under way was asked for; its answer may lack them. */
  readonly sinceAsked: readonly Point[] | null;
}

/** A range of time asked for: ms since 1970, both included, and the number of points wanted. */
export interface Asked {
  readonly from: number;
  readonly to: number;
  readonly points: number;
}

/** The cloud's answer: points ascending in time, and how many readings there were before it thinned them. */
interface Answer {
  readonly points: readonly Point[];
  readonly count: number;
}

export const emptyWindow: SeriesWindow = { points: [], thinned: null, sinceAsked: null };

/** Call when a reload is asked for, before its answer. */
export function beginReload(window: SeriesWindow): SeriesWindow {
  return { ...window, sinceAsked: [] };
}

/** Call when a reload has failed. */
export function abandonReload(window: SeriesWindow): SeriesWindow {
  return { ...window, sinceAsked: null };
}

/**
 * Puts the answer in the place of what was held of its range. What came live while it was under way stays,
 * and so does what lies after the range: gateways' clocks may be ahead of ours.
 */
export function finishReload(window: SeriesWindow, asked: Asked, { points, count }: Answer): SeriesWindow {
  const after = window.points.filter(([time]) => time > asked.to);
  const last = points.at(-1);
  return {
    points: merge(points, [...after, ...(window.sinceAsked ?? [])]).filter(([time]) => time >= asked.from),
    thinned:
      count > points.length && last !== undefined
        ? // The cloud keeps up to four readings of each bucket of time.
          { until: last[0], spacing: (4 * (asked.to - asked.from)) / asked.points }
        : null,
    sinceAsked: null,
  };
}

/** Adds live points, in any order, and lets go of what is older than `from` (ms since 1970). */
export function addLive(window: SeriesWindow, live: readonly Point[], from: number): SeriesWindow {
  const points = merge(window.points, live);
  const first = points.findIndex(([time]) => time >= from);
  // One older point stays, so that the line enters the plot from its edge.
  return {
    ...window,
    points: first === -1 ? points.slice(-1) : points.slice(Math.max(first - 1, 0)),
    sinceAsked: window.sinceAsked && [...window.sinceAsked, ...live],
  };
}

/** The union in order of time. A point that is the same in time and value is the same reading for a plot. */
function merge(held: readonly Point[], added: readonly Point[]): readonly Point[] {
  const inOrder = [...held, ...added].sort(([a], [b]) => a - b);
  const points: Point[] = [];
  let valuesNow = new Set<number | null>();
  for (const point of inOrder) {
    const [time, value] = point;
    if (points.at(-1)?.[0] !== time) valuesNow = new Set();
    if (valuesNow.has(value)) continue;
    valuesNow.add(value);
    points.push(point);
  }
  return points;
}

/** Milliseconds between readings that share a time, so that a plot keeps them all. */
const NUDGE = 1 / 1024;

/** Milliseconds below which a pause is no gap where the interval is not known. */
const SHORTEST_UNKNOWN_GAP = 1_000;

/**
 * The points as columns for a plot, times strictly ascending (ms since 1970): a null where the line breaks, which is
 * where a reading was no number and where readings stop for more than three intervals. Where `interval` (ms) is
 * not known, the usual spacing of the points stands for it.
 */
export function toColumns(window: SeriesWindow, interval: number | null): [number[], (number | null)[]] {
  const { points, thinned } = window;
  const pause = interval === null ? Math.max(3 * usualSpacing(points), SHORTEST_UNKNOWN_GAP) : 3 * interval;
  const times: number[] = [];
  const values: (number | null)[] = [];
  for (const [time, value] of points) {
    const previous = times.at(-1);
    if (previous !== undefined) {
      const allowed = thinned !== null && previous < thinned.until ? Math.max(pause, thinned.spacing) : pause;
      if (time - previous > allowed) {
        times.push((previous + time) / 2);
        values.push(null);
      }
    }
    times.push(previous !== undefined && time <= previous ? previous + NUDGE : time);
    values.push(value);
  }
  return [times, values];
}

/** The median of the times between neighbours, ms. */
function usualSpacing(points: readonly Point[]): number {
  const spacings = points.slice(1).map(([time], index) => time - (points[index]?.[0] ?? time));
  return spacings.sort((a, b) => a - b)[Math.floor(spacings.length / 2)] ?? 0;
}
