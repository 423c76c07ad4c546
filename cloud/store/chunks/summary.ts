import { type Plot, physicalAt } from './readings.ts';

/**
 * What is to be known of a chunk without opening it. Numbers are physical; of equal extremes the one that stands first in
 * the order of readings counts.
 */
export interface Summary {
  /** Times of its first and last reading, ms since 1970. */
  readonly from: number;
  readonly to: number;
  /** Its readings, and those of them whose value is a number. */
  readonly count: number;
  readonly numbers: number;
  /** Null where no reading is a number. */
  readonly sum: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly minTime: number | null;
  readonly maxTime: number | null;
  /** Null where the first or last reading is no number. */
  readonly first: number | null;
  readonly last: number | null;
  /** When the first reading came that is no number; null where all are. */
  readonly badTime: number | null;
}

/** Sums up readings, at least one, which stand in order. */
export function summarise(plot: Plot): Summary {
  const { count, times } = plot;
  let numbers = 0;
  let sum = 0;
  let [least, greatest, bad] = [-1, -1, -1];
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let row = 0; row < count; row++) {
    const value = physicalAt(plot, row);
    if (value === null) {
      if (bad < 0) bad = row;
      continue;
    }
    numbers++;
    sum += value;
    if (value < min) [min, least] = [value, row];
    if (value > max) [max, greatest] = [value, row];
  }
  const timeOf = (row: number) => (row < 0 ? null : (times[row] as number));
  return {
    from: times[0] as number,
    to: times[count - 1] as number,
    count,
    numbers,
    sum: numbers === 0 || !Number.isFinite(sum) ? null : sum,
    min: least < 0 ? null : min,
    max: greatest < 0 ? null : max,
    minTime: timeOf(least),
    maxTime: timeOf(greatest),
    first: physicalAt(plot, 0),
    last: physicalAt(plot, count - 1),
    badTime: timeOf(bad),
  };
}
