import { Temporal } from 'temporal-polyfill';

/** What a calendar can be cut into. Weeks begin on Monday (ISO 8601). */
export const bucketUnits = ['minute', 'hour', 'day', 'week', 'month', 'year'] as const;
export type BucketUnit = (typeof bucketUnits)[number];

/** Whether this names a time zone, as the IANA database does. */
export function isTimeZone(name: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name);
    return true;
  } catch {
    return false;
  }
}

/**
 * Where the buckets of a calendar begin, ms since 1970, ascending: the first at or before `from`, the last, which begins
 * no bucket of its own, after `to`. A day of a zone that changes its clock may have 23 or 25 hours, and is one bucket.
 * Undefined where there would be more than `most`.
 */
export function bucketsOf(
  { from, to }: { readonly from: number; readonly to: number },
  unit: BucketUnit,
  timeZone: string,
  most: number,
): number[] | undefined {
  let start = startOf(Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(timeZone), unit);
  const bounds: number[] = [start.epochMilliseconds];
  while (start.epochMilliseconds <= to) {
    if (bounds.length > most) return undefined;
    start = next(start, unit);
    bounds.push(start.epochMilliseconds);
  }
  return bounds;
}

/** Clock times are the zone's; where it skips over one, the first moment after it counts. */
function startOf(time: Temporal.ZonedDateTime, unit: BucketUnit): Temporal.ZonedDateTime {
  switch (unit) {
    case 'minute':
    case 'hour':
      return time.round({ smallestUnit: unit, roundingMode: 'floor' });
    case 'day':
      return time.startOfDay();
    case 'week':
      return time.subtract({ days: time.dayOfWeek - 1 }).startOfDay();
    case 'month':
      return time.with({ day: 1 }).startOfDay();
    case 'year':
      return time.with({ month: 1, day: 1 }).startOfDay();
  }
}

/** The beginning of the bucket after the one that begins at `start`. */
function next(start: Temporal.ZonedDateTime, unit: BucketUnit): Temporal.ZonedDateTime {
  switch (unit) {
    case 'minute':
    case 'hour': {
      // By the clock on the wall an hour may come twice: each is a bucket.
      const later = start.add({ [`${unit}s`]: 1 });
      const floor = startOf(later, unit);
      return Temporal.ZonedDateTime.compare(floor, start) > 0 ? floor : later;
    }
    case 'day':
      return start.add({ days: 1 }).startOfDay();
    case 'week':
      return start.add({ weeks: 1 }).startOfDay();
    case 'month':
      return start.add({ months: 1 }).startOfDay();
    case 'year':
      return start.add({ years: 1 }).startOfDay();
  }
}
