import type { NumberRange } from '@loadline/sdk/telemetry';

/**
 * The numbers of one epoch that have been received, as ascending ranges with gaps between them.
 * Values in, values out: `add` never changes the set it is given.
 */
export type NumberSet = readonly NumberRange[];

/** What adding a run of numbers does to a set. */
export interface Addition {
  /** The set with the run in it. */
  readonly set: NumberSet;
  /** The parts of the run that were not in the set before, ascending. */
  readonly fresh: readonly NumberRange[];
  /** Ranges of the old set that are no longer in the new one, and ranges of the new one that were not in the old. */
  readonly removed: readonly NumberRange[];
  readonly added: readonly NumberRange[];
}

/** Index of the first range that ends at or after `number`. */
function firstEndingFrom(set: NumberSet, number: number): number {
  let low = 0;
  let high = set.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((set[middle] as NumberRange).last < number) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Adds `first`..`last` (both included; nothing where `last` is before `first`). */
export function addRange(set: NumberSet, first: number, last: number): Addition {
  if (last < first) return { set, fresh: [], removed: [], added: [] };
  // Neighbours that touch the run are joined with it: hence one number to either side.
  const from = firstEndingFrom(set, first - 1);
  let to = from;
  const fresh: NumberRange[] = [];
  let next = first;
  let joined: NumberRange = { first, last };
  for (; to < set.length; to++) {
    const range = set[to] as NumberRange;
    if (range.first > last + 1) break;
    if (range.first > next) fresh.push({ first: next, last: Math.min(range.first - 1, last) });
    next = Math.max(next, range.last + 1);
    joined = { first: Math.min(joined.first, range.first), last: Math.max(joined.last, range.last) };
  }
  if (next <= last) fresh.push({ first: next, last });
  if (fresh.length === 0) return { set, fresh, removed: [], added: [] };
  return {
    set: [...set.slice(0, from), joined, ...set.slice(to)],
    fresh,
    removed: set.slice(from, to),
    added: [joined],
  };
}

/** How many numbers a list of ranges holds. */
export function countNumbers(ranges: readonly NumberRange[]): number {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

/** Whether one of the ascending ranges holds `number`. */
export function hasNumber(ranges: readonly NumberRange[], number: number): boolean {
  const range = ranges[firstEndingFrom(ranges, number)];
  return range !== undefined && range.first <= number;
}

/** Numbers that are not there, and why. */
export interface Gap extends NumberRange {
  /** `dropped`: the device said so. `coming`: it still holds them. `lost`: neither. */
  readonly state: 'dropped' | 'coming' | 'lost';
}

/**
 * The numbers from 0, an epoch's first, that are not in the set, ascending: up to the last of which anything is
 * known, by having been received, dropped, or no longer held. `oldest` is the oldest the device still held at
 * its last delivery; infinite where it holds nothing of the epoch any more. `end`: the last number that the epoch is known
 * to have had, where something says so.
 */
export function gapsIn(set: NumberSet, dropped: NumberSet, oldest: number, end = -1): Gap[] {
  const gaps: Gap[] = [];
  const explain = (first: number, last: number) => {
    if (first > last) return;
    if (first < oldest && oldest <= last) {
      explain(first, oldest - 1);
      explain(oldest, last);
    } else gaps.push({ first, last, state: first < oldest ? 'lost' : 'coming' });
  };
  // Both lists ascend: what is dropped before a gap is before all that follow.
  let at = 0;
  const declare = (first: number, last: number) => {
    let next = first;
    while (at < dropped.length && (dropped[at] as NumberRange).last < first) at++;
    for (let index = at; index < dropped.length; index++) {
      const range = dropped[index] as NumberRange;
      if (range.first > last) break;
      explain(next, range.first - 1);
      const end = Math.min(range.last, last);
      gaps.push({ first: Math.max(range.first, next), last: end, state: 'dropped' });
      next = end + 1;
    }
    explain(next, last);
  };
  let next = 0;
  for (const { first, last } of set) {
    declare(next, first - 1);
    next = last + 1;
  }
  const known = Number.isFinite(oldest) ? oldest - 1 : -1;
  declare(next, Math.max(known, dropped.at(-1)?.last ?? -1, end));
  return gaps;
}

/** Ranges as the database and the API write them: [[first, last], …]. */
export function rangesAsJson(ranges: readonly NumberRange[]): string {
  return JSON.stringify(ranges.map(({ first, last }) => [first, last]));
}

/** Ranges as the database writes them, read back. */
export function rangesFromJson(json: string): NumberRange[] {
  return (JSON.parse(json) as [number, number][]).map(([first, last]) => ({ first, last }));
}
