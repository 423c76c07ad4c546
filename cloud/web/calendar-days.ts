import type { Operations, ReplyOf } from '@loadline/sdk/api';

export type Bucket = ReplyOf<Operations['getAggregates']>['buckets'][number];
export type Unit = 'day' | 'week' | 'month';

/** How many days, weeks or months are looked back, this one included. */
const COUNTS = { day: 14, week: 12, month: 12 } as const satisfies Record<Unit, number>;

/**
 * The beginning (ms since 1970) of what is to be shown at `now`, by the clock of this place: in the earliest of the days,
 * weeks or months. The cloud begins at its beginning.
 */
export function beginningOf(now: number, unit: Unit): number {
  const at = new Date(now);
  const back = COUNTS[unit] - 1;
  // At noon and on the first of a month, no change of clocks and no short month leads elsewhere.
  at.setHours(12, 0, 0, 0);
  if (unit === 'month') at.setMonth(at.getMonth() - back, 1);
  else at.setDate(at.getDate() - back * (unit === 'week' ? 7 : 1));
  return at.getTime();
}

/** Buckets from the newest to the oldest that has a reading. */
export function newestFirst(buckets: readonly Bucket[]): readonly Bucket[] {
  const first = buckets.findIndex(({ count }) => count > 0);
  return first === -1 ? [] : buckets.slice(first).reverse();
}

/** What a bucket is called, by the clock of this place. */
export function bucketName({ from }: Pick<Bucket, 'from'>, unit: Unit): string {
  const at = new Date(from);
  switch (unit) {
    case 'day':
      return at.toLocaleDateString(undefined, { weekday: 'short', day: 'numeric', month: 'short' });
    case 'week':
      return `from ${at.toLocaleDateString(undefined, { day: 'numeric', month: 'short' })}`;
    case 'month':
      return at.toLocaleDateString(undefined, { month: 'long', year: 'numeric' });
  }
}
