import { type Connection, prepare } from './database.ts';

/** Which line of history the database is. */
export interface FleetRow {
  /** 32 hex digits. */
  readonly generation: string;
  readonly counter: number;
  /** When it began, ms since 1970. */
  readonly since: number;
  /** When the backup was made that this is a copy of, ms since 1970, until it takes over; null at work. */
  readonly fenced: number | null;
}

export function fleetReads(connection: Connection) {
  const fleet = prepare<Record<never, never>, FleetRow>(connection, (db) =>
    db.selectFrom('fleet').select(['generation', 'counter', 'since', 'fenced']),
  );
  const organisations = prepare<Record<never, never>, { id: string }>(connection, (db) =>
    db.selectFrom('organisation').select('id').orderBy('id'),
  );
  return {
    /** The generation of the fleet. */
    fleet(_: Record<never, never>): FleetRow {
      const row = fleet.first({});
      if (row === undefined) throw new Error('the database says nothing of its generation');
      return row;
    },
    /** Ids of every organisation. */
    organisationIds(_: Record<never, never>): string[] {
      return organisations.all({}).map(({ id }) => id);
    },
  };
}
