import type { Aspect } from '@loadline/sdk/telemetry';
import { type Connection, prepare } from './database.ts';

/** For how many days the readings of a series are kept, where it is said of that series. */
export interface SeriesRetentionRow {
  readonly device: number;
  readonly tag: number;
  readonly aspect: Aspect;
  readonly days: number;
}

/** How long readings are kept. */
export function retentionReads(connection: Connection) {
  const ofOrganisations = prepare<Record<never, never>, { id: string; days: number | null }>(
    connection,
    (db) => db.selectFrom('organisation').select(['id', 'readings_days as days']),
  );
  const ofSeries = prepare<Record<never, never>, SeriesRetentionRow>(connection, (db) =>
    db.selectFrom('series_retention').select(['device', 'tag', 'aspect', 'days']),
  );
  return {
    /** By organisation, null where all is kept; and the series of which something else is said. */
    retention(_: Record<never, never>): {
      organisations: { id: string; days: number | null }[];
      series: SeriesRetentionRow[];
    } {
      return { organisations: ofOrganisations.all({}), series: ofSeries.all({}) };
    },
  };
}
