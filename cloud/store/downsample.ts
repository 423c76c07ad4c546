import { isAfter, type PlacedReading } from './series-index.ts';

/** A number with its place in the order of readings; null where the reading was not a number. */
export interface Sample extends Pick<PlacedReading, 'time' | 'epoch' | 'number'> {
  readonly value: number | null;
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
 * keeps its first, last, least and greatest sample (as M4 does; Jugel et al., VLDB 2014). What fits is
 * returned whole. Samples may be added in any order.
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
    this.#count++;
    if (this.#whole === undefined) {
      this.#fold(sample);
      return;
    }
    this.#whole.push(sample);
    if (this.#whole.length <= this.#points) return;
    for (const one of this.#whole) this.#fold(one);
    this.#whole = undefined;
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

  #fold(sample: Sample): void {
    const index = Math.floor((sample.time - this.#from) / this.#width);
    let bucket = this.#buckets.get(index);
    if (bucket === undefined) {
      bucket = { first: sample, last: sample, least: undefined, greatest: undefined, bad: undefined };
      this.#buckets.set(index, bucket);
    }
    if (isAfter(bucket.first, sample)) bucket.first = sample;
    if (isAfter(sample, bucket.last)) bucket.last = sample;
    if (sample.value === null) bucket.bad ??= sample;
    else {
      if (bucket.least?.value == null || sample.value < bucket.least.value) bucket.least = sample;
      if (bucket.greatest?.value == null || sample.value > bucket.greatest.value) bucket.greatest = sample;
    }
  }
}

function survivors({ first, last, least, greatest, bad }: Bucket): Sample[] {
  return [...new Set([first, last, least, greatest, bad])].filter((one) => one !== undefined);
}
