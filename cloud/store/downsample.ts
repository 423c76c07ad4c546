import { type Plot, physicalAt } from './chunks/readings.ts';
import type { Summary } from './chunks/summary.ts';
import { isAfter, type PlacedReading } from './series-index.ts';

/** A number with its place in the order of readings; null where the reading was not a number. */
export interface Sample extends Pick<PlacedReading, 'time' | 'epoch' | 'number'> {
  readonly value: number | null;
}

/** Where a sample stands among those of its time: asked for only where two have the same time. */
type PlaceOf = () => Pick<Sample, 'epoch' | 'number'>;

class LazySample implements Sample {
  readonly time: number;
  readonly value: number | null;
  readonly #placeOf: PlaceOf;

  constructor(time: number, value: number | null, placeOf: PlaceOf) {
    this.time = time;
    this.value = value;
    this.#placeOf = placeOf;
  }

  get epoch(): string {
    return this.#placeOf().epoch;
  }

  get number(): number {
    return this.#placeOf().number;
  }
}

/** The samples of a bucket that must survive: the first, the last, the least, the greatest, and one that is no number. */
interface Bucket {
  first: Sample;
  last: Sample;
  least: Sample | undefined;
  greatest: Sample | undefined;
  bad: Sample | undefined;
}

/**
 * Thins a range of a series to about `points` samples such that every extreme survives: each bucket of time
 * keeps its first, last, least and greatest sample (as M4 does; Jugel et al., VLDB 2014), and the first that is no
 * number. Of equal extremes, the one that stands first in the order of readings. What fits is returned whole. Samples
 * may be added in any order.
 *
 * Where the summary of a chunk stands for its samples, the same survive, for a summary names exactly these, each with
 * its time; they differ from what opening the chunk would give in nothing but this: where the last sample equals an
 * extreme in time and in value, the two are one point.
 */
export class Downsampler {
  readonly #from: number;
  readonly #width: number;
  readonly #points: number;
  #whole: Sample[] | undefined = [];
  readonly #buckets = new Map<number, Bucket>();
  #count = 0;

  /** `from`..`to` in ms since 1970, both included; `points` at least 8. */
  constructor(from: number, to: number, points: number) {
    this.#from = from;
    this.#points = points;
    this.#width = Math.max((to - from + 1) / Math.floor(points / 4), 1);
  }

  add(sample: Sample): void {
    this.expect(1);
    this.#count++;
    if (this.#whole === undefined) this.#fold(sample);
    else this.#whole.push(sample);
  }

  /** Says that so many more are certain to come: once it is known that they will not fit, summaries can stand for them. */
  expect(more: number): void {
    if (this.#whole === undefined || this.#count + more <= this.#points) return;
    for (const one of this.#whole) this.#fold(one);
    this.#whole = undefined;
  }

  /** Adds rows `start` to `end` (not included), which stand in the order of readings. */
  addPlot(
    plot: Plot,
    rows: { start: number; end: number },
    placeOf: (row: number) => ReturnType<PlaceOf>,
  ): void {
    const { start, end } = rows;
    const sample = (row: number) =>
      new LazySample(plot.times[row] as number, physicalAt(plot, row), () => placeOf(row));
    this.expect(end - start);
    this.#count += end - start;
    if (this.#whole !== undefined) {
      for (let row = start; row < end; row++) this.#whole.push(sample(row));
      return;
    }
    for (let row = start; row < end; ) row = this.#foldRun(plot, row, end, sample);
  }

  /**
   * Adds a whole chunk by its summary. @returns false where its samples must be added instead: they would all fit, or
   * they fall into several buckets
   */
  addSummary(
    summary: Summary,
    placeOf: (time: number, value: number | null) => ReturnType<PlaceOf>,
  ): boolean {
    const { from, to, count, first, last, min, max, minTime, maxTime, badTime } = summary;
    this.expect(count);
    if (this.#whole !== undefined || this.#indexOf(from) !== this.#indexOf(to)) return false;
    this.#count += count;
    const known: Sample[] = [];
    const offer = (time: number | null, value: number | null) => {
      if (time === null) return;
      let sample = known.find((one) => one.time === time && one.value === value);
      if (sample === undefined) {
        sample = new LazySample(time, value, () => placeOf(time, value));
        known.push(sample);
      }
      this.#fold(sample);
    };
    offer(from, first);
    offer(minTime, min);
    offer(maxTime, max);
    offer(badTime, null);
    offer(to, last);
    return true;
  }

  /** Samples added. */
  get count(): number {
    return this.#count;
  }

  /** What survives, in the order of readings. */
  result(): Sample[] {
    const samples = this.#whole ?? [...this.#buckets.values()].flatMap(survivors);
    return samples.sort((a, b) => (isAfter(a, b) ? 1 : -1));
  }

  #indexOf(time: number): number {
    return Math.floor((time - this.#from) / this.#width);
  }

  /** Folds the rows from `start` on that fall into one bucket. @returns the row behind them */
  #foldRun(plot: Plot, start: number, end: number, sample: (row: number) => Sample): number {
    const { times, values } = plot;
    const plain = plot.kinds.every(({ calibration }) => calibration === undefined);
    const index = this.#indexOf(times[start] as number);
    let [least, greatest, bad] = [-1, -1, -1];
    let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    let row = start;
    for (; row < end && this.#indexOf(times[row] as number) === index; row++) {
      const value = plain ? (values[row] as number) : (physicalAt(plot, row) ?? Number.NaN);
      if (!Number.isFinite(value)) {
        if (bad < 0) bad = row;
        continue;
      }
      if (value < min) {
        min = value;
        least = row;
      }
      if (value > max) {
        max = value;
        greatest = row;
      }
    }
    for (const one of new Set([start, least, greatest, bad, row - 1]))
      if (one >= 0) this.#fold(sample(one), index);
    return row;
  }

  #fold(sample: Sample, index = this.#indexOf(sample.time)): void {
    let bucket = this.#buckets.get(index);
    if (bucket === undefined) {
      bucket = { first: sample, last: sample, least: undefined, greatest: undefined, bad: undefined };
      this.#buckets.set(index, bucket);
    }
    // Not with itself: who has the time of another is asked for its place, and a chunk opened whole for that.
    if (bucket.first !== sample && isAfter(bucket.first, sample)) bucket.first = sample;
    if (bucket.last !== sample && isAfter(sample, bucket.last)) bucket.last = sample;
    const { value } = sample;
    if (value === null) bucket.bad = earlier(bucket.bad, sample);
    else {
      bucket.least =
        (bucket.least?.value ?? value) < value ? bucket.least : lesser(bucket.least, sample, value);
      bucket.greatest =
        (bucket.greatest?.value ?? value) > value ? bucket.greatest : lesser(bucket.greatest, sample, value);
    }
  }
}

/** The sample, or the one before it where that is as extreme and comes earlier. */
function lesser(known: Sample | undefined, sample: Sample, value: number): Sample {
  return known?.value === value ? earlier(known, sample) : sample;
}

function earlier(known: Sample | undefined, sample: Sample): Sample {
  return known === undefined || isAfter(known, sample) ? sample : known;
}

function survivors({ first, last, least, greatest, bad }: Bucket): Sample[] {
  return [...new Set([first, last, least, greatest, bad])].filter((one) => one !== undefined);
}
