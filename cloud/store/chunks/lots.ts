import type { Readings } from './readings.ts';

/** Which readings of a series go into one chunk: pure, and no matter in which order they came. */

/** Readings of a chunk that is full: no more are merged into it. */
const fullReadings = 4096;
/** Bytes of texts and binaries that fill a chunk whatever their number. */
const fullBytes = 512 * 1024;
/** What comes late, as a backlog does, is kept apart from what is new where it lies this far from it, in ms. */
const apartMilliseconds = 3_600_000;
/** Below this number it is not: many small chunks are worse than a wide one. */
const apartReadings = 64;
/** Open chunks of a series at most, whatever their sizes. */
const mostOpen = 16;

/** How far some readings reach. Times in ms since 1970. */
export interface Lot {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** Whether two lots lie so far apart that one chunk of both would be mostly gap. */
function areApart(a: Lot, b: Lot): boolean {
  const gap = Math.max(a.from, b.from) - Math.min(a.to, b.to);
  return (
    Math.min(a.count, b.count) >= apartReadings &&
    gap > apartMilliseconds &&
    gap > a.to - a.from + (b.to - b.from)
  );
}

/**
 * The open chunks that a new lot is merged with. A chunk is written again only for a lot that is at least half of it, so
 * that a reading is written about as often as there are doublings up to a full chunk.
 */
export function absorbed<T extends Lot>(lot: Lot, open: readonly T[]): T[] {
  const taken: T[] = [];
  let grown = lot;
  const crowded = open.length >= mostOpen;
  for (const one of [...open].sort((a, b) => a.count - b.count)) {
    if (!crowded && (one.count > 2 * grown.count || areApart(grown, one))) continue;
    taken.push(one);
    grown = {
      from: Math.min(grown.from, one.from),
      to: Math.max(grown.to, one.to),
      count: grown.count + one.count,
    };
  }
  return taken;
}

/** Cuts readings, which stand in order, into what one chunk each is made of: [first row, row behind the last]. */
export function cutRows(readings: Readings): [start: number, end: number][] {
  return cutAtGaps(readings.times, 0, readings.count).flatMap(([start, end]) =>
    cutAtSize(readings, start, end),
  );
}

/** Whether a chunk of these readings takes no more. */
export function isFull(readings: Readings): boolean {
  return readings.count >= fullReadings || bytesOf(readings, 0, readings.count) >= fullBytes;
}

function cutAtGaps(times: Float64Array, start: number, end: number): [start: number, end: number][] {
  let at = 0;
  let gap = 0;
  for (let row = start + apartReadings; row <= end - apartReadings; row++) {
    const step = (times[row] as number) - (times[row - 1] as number);
    if (step > gap) [at, gap] = [row, step];
  }
  const span = (times[end - 1] as number) - (times[start] as number);
  if (gap <= apartMilliseconds || gap <= span - gap) return [[start, end]];
  return [...cutAtGaps(times, start, at), ...cutAtGaps(times, at, end)];
}

/** Even parts, none of more than twice what is full. */
function cutAtSize(readings: Readings, start: number, end: number): [start: number, end: number][] {
  const count = end - start;
  const bytes = bytesOf(readings, start, end);
  const parts = Math.max(
    Math.ceil(count / (2 * fullReadings)),
    Math.min(Math.ceil(bytes / (2 * fullBytes)), count),
  );
  return Array.from({ length: parts }, (_, part) => [
    start + Math.floor((count * part) / parts),
    start + Math.floor((count * (part + 1)) / parts),
  ]);
}

function bytesOf({ others }: Readings, start: number, end: number): number {
  let bytes = 0;
  if (others.size > 0) {
    for (const [row, value] of others) {
      if (row < start || row >= end) continue;
      if (value.type === 'string') bytes += value.value.length * 2;
      if (value.type === 'binary') bytes += value.value.length;
    }
  }
  return bytes;
}
