import { limits } from '@loadline/sdk/contract';
import type { LiveEvent, LiveSeries, Point } from './live.ts';

/** What a follower that fell behind is told when it goes on. */
export interface Arrears {
  /** The newest reading of each series that had some, with the number of those left out before it. */
  readonly series: readonly LiveSeries[];
  /** The newest events, and how many were left out before them. */
  readonly events: readonly LiveEvent[];
  readonly eventsSkipped: number;
}

interface Newest {
  readonly series: LiveSeries;
  point: Point;
  skipped: number;
}

/**
 * What one follower did not take while its link was full: of each series the newest reading, and the newest few events.
 * It does not grow with time, only with the number of series, and not past limits.liveSeriesOwed.
 */
export class Owed {
  readonly #newest = new Map<string, Newest>();
  #events: LiveEvent[] = [];
  #eventsSkipped = 0;

  get isEmpty(): boolean {
    return this.#newest.size === 0 && this.#events.length === 0;
  }

  /** False where these are of one series more than is kept for anybody: give the follower up. */
  addReadings(series: LiveSeries): boolean {
    const last = newestOf(series.points);
    if (last === undefined) return true;
    const { device, tag, aspect } = series;
    const key = `${device}/${tag}/${aspect}`;
    const left = series.skipped + series.points.length;
    const known = this.#newest.get(key);
    if (known !== undefined) {
      known.skipped += left;
      // By its own time: what comes late does not make a value newer.
      if (last[0] >= known.point[0]) known.point = last;
      return true;
    }
    if (this.#newest.size >= limits.liveSeriesOwed) return false;
    const { name, unit } = series;
    this.#newest.set(key, {
      series: { device, tag, aspect, name, unit, points: [], skipped: 0 },
      point: last,
      skipped: left - 1,
    });
    return true;
  }

  addEvents(events: readonly LiveEvent[]): void {
    this.#events.push(...events);
    const excess = this.#events.length - limits.liveEventsOwed;
    if (excess <= 0) return;
    this.#events.splice(0, excess);
    this.#eventsSkipped += excess;
  }

  /** What is owed; nothing is after that. */
  take(): Arrears {
    const series = Array.from(this.#newest.values(), ({ series, point, skipped }) => ({
      ...series,
      points: [point],
      skipped,
    }));
    const arrears = { series, events: this.#events, eventsSkipped: this.#eventsSkipped };
    this.#newest.clear();
    this.#events = [];
    this.#eventsSkipped = 0;
    return arrears;
  }
}

/** The newest by its own time; of equal ones the last. */
function newestOf(points: readonly Point[]): Point | undefined {
  let newest: Point | undefined;
  for (const point of points) if (newest === undefined || point[0] >= newest[0]) newest = point;
  return newest;
}
