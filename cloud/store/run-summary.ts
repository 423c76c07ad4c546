import { type Aspect, aspects, numberAt } from '@loadline/sdk/telemetry';
import type { StoredDelivery } from './deliveries.ts';
import { eachFresh } from './series-index.ts';
import { wallTime } from './timeline.ts';

/** One series of a run; physical values, first and last by number. Values that are no numbers are counted, and not compared. */
export interface RunSeries {
  readonly tag: number;
  readonly aspect: Aspect;
  readonly count: number;
  readonly first: number | null;
  readonly last: number | null;
  readonly min: number | null;
  readonly max: number | null;
}

/** What the deliveries of one epoch hold. */
export interface RunSummary {
  /** Readings stored. */
  readonly stored: number;
  /** From a reading's time to the writing of its row, the final sync not included; null without readings. */
  readonly latencyMs: { readonly p50: number; readonly p99: number } | null;
  readonly series: readonly RunSeries[];
}

/** Milliseconds: what takes longer was held back by a lost link, and counts as this. */
const longestLatency = 3_600_000;

/** Counts a run from its deliveries, which come in the order of their numbers. */
export function summarise(deliveries: Iterable<StoredDelivery>): RunSummary {
  const series = new Map<number, { -readonly [K in keyof RunSeries]: RunSeries[K] }>();
  /** How many readings took how many whole milliseconds: bounded, whatever the length of the run. */
  const latencies = new Map<number, number>();
  let timed = 0;
  let stored = 0;
  for (const { batch, fresh, timeline, writtenMs } of deliveries) {
    for (const held of batch.series) {
      const key = held.tag * aspects.length + aspects.indexOf(held.aspect);
      eachFresh(batch, held, fresh, (row, position) => {
        stored++;
        if (timeline !== undefined) {
          const taken = writtenMs - wallTime(timeline, batch.times[position] as number);
          const latency = Math.min(Math.max(taken, 0), longestLatency);
          latencies.set(latency, (latencies.get(latency) ?? 0) + 1);
          timed++;
        }
        let one = series.get(key);
        if (one === undefined) {
          one = {
            tag: held.tag,
            aspect: held.aspect,
            count: 0,
            first: null,
            last: null,
            min: null,
            max: null,
          };
          series.set(key, one);
        }
        one.count++;
        const value = numberAt(batch, held, row);
        if (value === null) return;
        one.first ??= value;
        one.last = value;
        one.min = one.min === null ? value : Math.min(one.min, value);
        one.max = one.max === null ? value : Math.max(one.max, value);
      });
    }
  }
  const sorted = [...latencies].sort(([a], [b]) => a - b);
  const at = (share: number) => {
    let rest = Math.floor((timed - 1) * share);
    for (const [latency, count] of sorted) {
      rest -= count;
      if (rest < 0) return latency;
    }
    return 0;
  };
  return {
    stored,
    latencyMs: timed === 0 ? null : { p50: at(0.5), p99: at(0.99) },
    series: [...series].sort(([a], [b]) => a - b).map(([, one]) => one),
  };
}
