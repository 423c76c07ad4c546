import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3-multiple-ciphers';

/** Opens the database of a state folder as one who has its key: SQL, and no code of the cloud's. */
export function openStateDatabase(state: string): Database.Database {
  const database = new Database(join(state, 'loadline.db'), { timeout: 5000 });
  database.pragma("cipher = 'aegis'");
  database.pragma(`key = 'raw:${readFileSync(join(state, 'database.key'), 'utf8').trim()}'`);
  return database;
}

/** Every row of every table, by the table's name. */
export function allRows(database: Database.Database): Map<string, Record<string, unknown>[]> {
  const tables = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
    .pluck()
    .all() as string[];
  return new Map(
    tables.map((name) => [
      name,
      database.prepare(`SELECT * FROM "${name}"`).all() as Record<string, unknown>[],
    ]),
  );
}
