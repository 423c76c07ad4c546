import type { Connection } from '../database.ts';
import { deliveryReads } from '../deliveries.ts';
import { Gatherer, type ResolvedDelivery } from './gather.ts';
import { chunkReads } from './open.ts';
import { firstFrom, type Plot, physicalAt, type SeriesName } from './readings.ts';
import type { Summary } from './summary.ts';

/** What one bucket of time holds of a series. Numbers are physical; null where no reading is one. */
export interface Aggregate {
  /** Its beginning, and that of the next, ms since 1970. */
  readonly from: number;
  readonly to: number;
  /** Readings, and those of them whose value is a number. */
  readonly count: number;
  readonly numbers: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  /** The earliest and the latest number. */
  readonly first: number | null;
  readonly last: number | null;
}

export interface AggregateQuery extends SeriesName {
  /** Where buckets begin, ascending; the last begins none. */
  readonly bounds: readonly number[];
}

/** A bucket being filled. */
class Bucket {
  count = 0;
  numbers = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #first: number | null = null;
  #firstTime = Number.POSITIVE_INFINITY;
  #last: number | null = null;
  #lastTime = Number.NEGATIVE_INFINITY;

  add(time: number, value: number | null): void {
    this.count += 1;
    if (value === null) return;
    this.#take({ count: 1, sum: value, min: value, max: value });
    this.#end(time, value, time, value);
  }

  /** Takes a chunk in without opening it; false where its ends are not known from its summary. */
  addSummary({ from, to, count, numbers, sum, min, max, first, last }: Summary): boolean {
    if (numbers === 0) {
      this.count += count;
      return true;
    }
    if (sum === null || min === null || max === null || first === null || last === null) return false;
    this.count += count;
    this.#take({ count: numbers, sum, min, max });
    this.#end(from, first, to, last);
    return true;
  }

  result(from: number, to: number): Aggregate {
    const { count, numbers } = this;
    const any = numbers > 0;
    const mean = any && Number.isFinite(this.#sum) ? this.#sum / numbers : null;
    return {
      from,
      to,
      count,
      numbers,
      min: any ? this.#min : null,
      max: any ? this.#max : null,
      mean,
      first: this.#first,
      last: this.#last,
    };
  }

  #take({ count, sum, min, max }: { count: number; sum: number; min: number; max: number }): void {
    this.numbers += count;
    this.#sum += sum;
    if (min < this.#min) this.#min = min;
    if (max > this.#max) this.#max = max;
  }

  #end(from: number, first: number, to: number, last: number): void {
    if (from < this.#firstTime) [this.#firstTime, this.#first] = [from, first];
    if (to >= this.#lastTime) [this.#lastTime, this.#last] = [to, last];
  }
}

/** Aggregates of a series by buckets of time: a chunk within one bucket is not opened. */
export function aggregateReads(connection: Connection) {
  const deliveries = deliveryReads(connection);
  const chunks = chunkReads(connection);

  return {
    /** One aggregate a bucket, those without readings too. */
    aggregates({ device, tag, aspect, bounds }: AggregateQuery): Aggregate[] {
      const starts = Float64Array.from(bounds);
      const buckets = Array.from({ length: Math.max(bounds.length - 1, 0) }, () => new Bucket());
      const span = { from: bounds[0] ?? 0, to: (bounds.at(-1) ?? 0) - 1 };
      const bucketAt = (time: number) => {
        const next = firstFrom(starts, time + 1);
        return next === 0 ? undefined : buckets[next - 1];
      };
      const addRows = (plot: Plot) => {
        const end = firstFrom(plot.times, span.to + 1);
        for (let row = firstFrom(plot.times, span.from); row < end; row++) {
          bucketAt(plot.times[row] as number)?.add(plot.times[row] as number, physicalAt(plot, row));
        }
      };
      for (const row of chunks.between.all({ device, tag, aspect, ...span })) {
        const bucket = bucketAt(row.from);
        const isWithin = bucket !== undefined && bucket === bucketAt(row.to) && row.to <= span.to;
        if (!isWithin || !bucket.addSummary(row)) addRows(chunks.plot(row.id));
      }
      const tail = new Gatherer();
      for (const delivery of deliveries.between(device, span.from, span.to)) {
        for (const series of delivery.batch.series) {
          if (series.tag !== tag || series.aspect !== aspect) continue;
          tail.addSeries(delivery as ResolvedDelivery, series, span);
        }
      }
      addRows(tail.inOrder());
      return buckets.map((bucket, index) =>
        bucket.result(bounds[index] as number, bounds[index + 1] as number),
      );
    },
  };
}
