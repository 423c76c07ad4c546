import { type Aspect, numberAt } from '@loadline/sdk/telemetry';
import { physicalAt, type Readings } from './chunks/readings.ts';
import type { StoredDelivery } from './deliveries.ts';
import { eachFresh, seriesKey } from './series-index.ts';
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

/** What is stored of one epoch. */
export interface RunSummary {
  /** Readings stored. */
  readonly stored: number;
  /** From a reading's time to the writing of its row, the final sync not included; null without readings. */
  readonly latencyMs: { readonly p50: number; readonly p99: number } | null;
  readonly series: readonly RunSeries[];
}

/** Milliseconds: what takes longer was held back by a lost link, and counts as this. */
const longestLatency = 3_600_000;

type Counted = { -readonly [K in keyof RunSeries]: RunSeries[K] } & {
  firstNumber: number;
  lastNumber: number;
};

/** Counts a run, wherever its readings stand, in any order. */
export class RunCounter {
  readonly #series = new Map<number, Counted>();
  /** How many readings took how many whole milliseconds: bounded, whatever the length of the run. */
  readonly #latencies = new Map<number, number>();
  #timed = 0;
  #stored = 0;

  /** Takes in what a delivery of the run holds. */
  addDelivery({ batch, fresh, timeline, writtenMs }: StoredDelivery): void {
    for (const held of batch.series) {
      const series = this.#of(held.tag, held.aspect);
      eachFresh(batch, held, fresh, (row, position) => {
        if (timeline !== undefined) {
          this.#time(writtenMs - wallTime(timeline, batch.times[position] as number));
        }
        this.#add(series, batch.first + position, numberAt(batch, held, row));
      });
    }
  }

  /** Takes in the readings of a chunk that are of this epoch. */
  addChunk({ tag, aspect }: { tag: number; aspect: Aspect }, readings: Readings, epoch: string): void {
    const series = this.#of(tag, aspect);
    const { arrivals, times, numbers } = readings;
    const index = readings.epochs.indexOf(epoch);
    for (let row = 0; row < readings.count; row++) {
      if (readings.epoch[row] !== index) continue;
      this.#time((arrivals[row] as number) - (times[row] as number));
      this.#add(series, numbers[row] as number, physicalAt(readings, row));
    }
  }

  result(): RunSummary {
    const sorted = [...this.#latencies].sort(([a], [b]) => a - b);
    const at = (share: number) => {
      let rest = Math.floor((this.#timed - 1) * share);
      for (const [latency, count] of sorted) {
        rest -= count;
        if (rest < 0) return latency;
      }
      return 0;
    };
    return {
      stored: this.#stored,
      latencyMs: this.#timed === 0 ? null : { p50: at(0.5), p99: at(0.99) },
      series: [...this.#series]
        .filter(([, { count }]) => count > 0)
        .sort(([a], [b]) => a - b)
        .map(([, { firstNumber, lastNumber, ...one }]) => one),
    };
  }

  #of(tag: number, aspect: Aspect): Counted {
    const key = seriesKey(tag, aspect);
    let one = this.#series.get(key);
    if (one === undefined) {
      const nothing = { count: 0, first: null, last: null, min: null, max: null };
      one = { tag, aspect, ...nothing, firstNumber: Number.POSITIVE_INFINITY, lastNumber: -1 };
      this.#series.set(key, one);
    }
    return one;
  }

  #time(taken: number): void {
    const latency = Math.min(Math.max(taken, 0), longestLatency);
    this.#latencies.set(latency, (this.#latencies.get(latency) ?? 0) + 1);
    this.#timed++;
  }

  #add(one: Counted, number: number, value: number | null): void {
    this.#stored++;
    one.count++;
    if (value === null) return;
    if (number < one.firstNumber) {
      one.first = value;
      one.firstNumber = number;
    }
    if (number > one.lastNumber) {
      one.last = value;
      one.lastNumber = number;
    }
    one.min = one.min === null ? value : Math.min(one.min, value);
    one.max = one.max === null ? value : Math.max(one.max, value);
  }
}
