import { type DatabaseOptions, foldLog, migrate, openConnection, prepare } from './database.ts';
import { type FleetRow, fleetReads } from './fleet-reads.ts';
import { migrations } from './migrations.ts';

/**
 * Marks a copy as one: a cloud started on it lets nobody in until it is promoted. `made`: when the copy was, ms since
 * 1970. Brings it up to the schema of this program, and leaves one file.
 */
export function markFenced(options: DatabaseOptions, made: number): void {
  const connection = openConnection(options, 'write');
  try {
    migrate(connection, migrations);
    prepare<{ made: number }>(connection, (db, p) => db.updateTable('fleet').set({ fenced: p.made })).run({
      made,
    });
  } finally {
    connection.close();
  }
  foldLog(options);
}

/** The generation of a database that nobody needs to have open. */
export function readFleet(options: DatabaseOptions): FleetRow {
  const connection = openConnection(options, 'read');
  try {
    return fleetReads(connection).fleet({});
  } finally {
    connection.close();
  }
}
