import type { Operations, ReplyOf } from '@loadline/sdk/api';
import { formatBytes, formatCount } from '../format.ts';

type Limits = ReplyOf<Operations['getLimits']>;
type Name = keyof Limits['limits'];
type Used = keyof Limits['used']['day'];

/** A limit, in words. */
export interface LimitRow {
  readonly what: string;
  readonly most: string;
  /** What of it is used; empty of rates, which nothing is left of. */
  readonly used: string;
  /** Whether nothing of it is left. */
  readonly isReached: boolean;
}

/** What limits are called, in their order; of quotas, what is used of which. */
const names: readonly (readonly [Name, string, (readonly ['day' | 'month', Used])?])[] = [
  ['messagesPerSecond', 'Messages a second'],
  ['readingsPerSecond', 'Readings a second'],
  ['bytesPerSecond', 'Bytes a second'],
  ['requestsPerSecond', 'Requests a second, of people and programs'],
  ['connections', 'Connections at a time'],
  ['connectionsPerMinute', 'New connections a minute'],
  ['messagesPerDay', 'Messages a day', ['day', 'messages']],
  ['readingsPerDay', 'Readings a day', ['day', 'readings']],
  ['bytesPerDay', 'Bytes a day', ['day', 'bytes']],
  ['connectionMinutesPerDay', 'Minutes connected a day', ['day', 'connectionMinutes']],
  ['messagesPerMonth', 'Messages a month', ['month', 'messages']],
  ['readingsPerMonth', 'Readings a month', ['month', 'readings']],
  ['bytesPerMonth', 'Bytes a month', ['month', 'bytes']],
  ['connectionMinutesPerMonth', 'Minutes connected a month', ['month', 'connectionMinutes']],
];

/** The limits there are, and of all quotas what is used, also where they are not limited. */
export function limitRows({ limits, used }: Pick<Limits, 'limits' | 'used'>): readonly LimitRow[] {
  return names.flatMap(([name, what, of]) => {
    const most = limits[name] ?? null;
    if (most === null && of === undefined) return [];
    const inWords = name.startsWith('bytes') ? formatBytes : formatCount;
    const count = of === undefined ? undefined : used[of[0]][of[1]];
    return [
      {
        what,
        most: most === null ? 'no limit' : inWords(most),
        used: count === undefined ? '' : inWords(count),
        isReached: most !== null && count !== undefined && count >= most,
      },
    ];
  });
}
