import { median } from '../bench/figures.ts';

/** Something measured, and when: seconds since the run began. */
export interface Measured {
  readonly seconds: number;
  readonly value: number;
}

/** What is said of a series that should not grow. */
export interface Flatness {
  /** The part of the run that is judged, seconds: what came before was warming up. */
  readonly from: number;
  readonly to: number;
  readonly median: number;
  /** Theil and Sen's slope of the lower envelope. */
  readonly growthAnHour: number;
  /** What that makes of the part judged, and what it may be at most. */
  readonly growth: number;
  readonly limit: number;
  readonly isFlat: boolean;
}

/** Share of a run in which programs fill their caches and their heaps find their size. */
const warmUpShare = 1 / 3;
/** What is collected rises until it is collected: of each stretch the least counts. */
const stretchSeconds = 30;
/** Shorter runs say nothing: what is judged must be many collections long. */
export const leastSecondsToJudge = 600;

/**
 * Whether something stays as it is. Of each half minute the least is taken (what a collector will free is no leak), the
 * slope is the median of those between every two of them (one outlier changes nothing), and what it makes of the part
 * judged must be below `limit`. Undefined where the run was too short to tell.
 */
export function flatness(series: readonly Measured[], limit: number): Flatness | undefined {
  const to = series.at(-1)?.seconds ?? 0;
  if (to < leastSecondsToJudge) return undefined;
  const from = to * warmUpShare;
  const floor = lowerEnvelope(series.filter(({ seconds }) => seconds >= from));
  const slopes = floor.flatMap((one, at) =>
    floor.slice(at + 1).map((other) => (other.value - one.value) / (other.seconds - one.seconds)),
  );
  const slope = median(slopes);
  const growth = slope * (to - from);
  return {
    ...{ from, to, growth, limit },
    median: median(floor.map(({ value }) => value)),
    growthAnHour: slope * 3600,
    isFlat: growth <= limit,
  };
}

/** The least of each stretch, at its own time. */
function lowerEnvelope(series: readonly Measured[]): Measured[] {
  const least = new Map<number, Measured>();
  for (const one of series) {
    const stretch = Math.floor(one.seconds / stretchSeconds);
    const before = least.get(stretch);
    if (before === undefined || one.value < before.value) least.set(stretch, one);
  }
  return [...least.values()];
}
