import type { NumberRange } from '@loadline/sdk/telemetry';

/**
 * A set of whole numbers kept as ascending, disjoint, non-adjacent ranges. What a journal holds is a few long
 * runs, so a list that is searched by halves is all it takes.
 */
export class Ranges {
  #ranges: NumberRange[] = [];
  #count = 0;

  /** How many numbers are in it. */
  get count(): number {
    return this.#count;
  }

  /** The smallest number in it. */
  get first(): number | undefined {
    return this.#ranges[0]?.first;
  }

  /** The largest number in it. */
  get last(): number | undefined {
    return this.#ranges.at(-1)?.last;
  }

  /** The ranges as they are now, ascending; a copy. */
  list(): readonly NumberRange[] {
    return this.#ranges.slice();
  }

  /** The first range with a number at or after `from`, cut to begin at it. */
  from(from: number): NumberRange | undefined {
    const range = this.#ranges[this.#indexOf(from)];
    return range && { first: Math.max(range.first, from), last: range.last };
  }

  /** The parts of it within `first..last`, ascending; at most `limit` of them. */
  within(first: number, last: number, limit = Number.POSITIVE_INFINITY): readonly NumberRange[] {
    const found: NumberRange[] = [];
    for (let index = this.#indexOf(first); index < this.#ranges.length && found.length < limit; index++) {
      const range = this.#ranges[index] as NumberRange;
      if (range.first > last) break;
      found.push({ first: Math.max(range.first, first), last: Math.min(range.last, last) });
    }
    return found;
  }

  /** Adds `first..last`, whatever of it is there already. */
  add(first: number, last: number): void {
    const tail = this.#ranges.at(-1);
    if (tail !== undefined && tail.last + 1 === first) {
      this.#ranges[this.#ranges.length - 1] = { first: tail.first, last };
      this.#count += last - first + 1;
      return;
    }
    // One number further on both sides, so that neighbours become one range.
    const start = this.#indexOf(first - 1);
    let end = start;
    let merged: NumberRange = { first, last };
    for (; end < this.#ranges.length; end++) {
      const range = this.#ranges[end] as NumberRange;
      if (range.first > last + 1) break;
      merged = { first: Math.min(merged.first, range.first), last: Math.max(merged.last, range.last) };
      this.#count -= range.last - range.first + 1;
    }
    this.#ranges.splice(start, end - start, merged);
    this.#count += merged.last - merged.first + 1;
  }

  /** Removes `first..last`, and returns the ranges that really were in it. */
  remove(first: number, last: number): readonly NumberRange[] {
    const start = this.#indexOf(first);
    let end = start;
    const removed: NumberRange[] = [];
    const rest: NumberRange[] = [];
    for (; end < this.#ranges.length; end++) {
      const range = this.#ranges[end] as NumberRange;
      if (range.first > last) break;
      removed.push({ first: Math.max(range.first, first), last: Math.min(range.last, last) });
      if (range.first < first) rest.push({ first: range.first, last: first - 1 });
      if (range.last > last) rest.push({ first: last + 1, last: range.last });
    }
    this.#ranges.splice(start, end - start, ...rest);
    for (const range of removed) this.#count -= range.last - range.first + 1;
    return removed;
  }

  /** Index of the first range that ends at or after `number`. */
  #indexOf(number: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle] as NumberRange).last < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
