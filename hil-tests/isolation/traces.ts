import { createHash } from 'node:crypto';
import type Database from 'better-sqlite3-multiple-ciphers';

/** Columns that change by somebody's merely being there, and what is written for a refusal too. */
const passing: Readonly<Record<string, readonly string[]>> = {
  person_session: ['seen'],
  api_token: ['used'],
  application_key: ['used'],
  access_grant: ['used'],
};
/** `block` is the guard's memory: written behind the answers that it is about; so is what accounting counts of them. */
const passingTables = [
  'audit',
  'audit_chain',
  'audit_personal',
  'audit_personal_of',
  'series',
  'checkpoint',
  'block',
  'accounting_record',
  'accounting_source',
  'accounting_open',
  'accounting_alive',
  'usage',
];

/** What stands in the database of a running cloud, looked at from outside. */
export class Traces {
  readonly #database: Database.Database;
  readonly #statements: readonly (readonly [string, Database.Statement])[];
  #version: number | undefined;
  #last: ReadonlyMap<string, string> = new Map();
  readonly #newest: Database.Statement;
  readonly #since: Database.Statement;

  constructor(database: Database.Database) {
    this.#database = database;
    const tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
      .pluck()
      .all() as string[];
    this.#statements = tables
      .filter((table) => !passingTables.includes(table) && !table.startsWith('sqlite_'))
      .map((table) => {
        const columns = (database.pragma(`table_info("${table}")`) as { name: string }[])
          .map(({ name }) => name)
          .filter((name) => !passing[table]?.includes(name));
        const list = columns.map((name) => `"${name}"`).join(', ');
        return [table, database.prepare(`SELECT ${list} FROM "${table}" ORDER BY ${list}`).raw()] as const;
      });
    this.#newest = database.prepare('SELECT coalesce(max(id), 0) FROM audit').pluck();
    this.#since = database.prepare(
      'SELECT actor_kind AS kind, actor_id AS actor, action, outcome FROM audit WHERE id > ?',
    );
  }

  /** A digest of each table. */
  digests(): ReadonlyMap<string, string> {
    // It goes up with each change that another connection commits: where there was none, all is as it was.
    const version = this.#database.pragma('data_version', { simple: true }) as number;
    if (version !== this.#version) this.#last = this.#digest();
    this.#version = version;
    return this.#last;
  }

  #digest(): Map<string, string> {
    return this.#database.transaction(
      () =>
        new Map(
          this.#statements.map(([table, statement]) => [
            table,
            createHash('sha256').update(JSON.stringify(statement.all())).digest('hex'),
          ]),
        ),
    )();
  }

  /** The id of the newest entry of the audit log. */
  newest(): number {
    return this.#newest.get() as number;
  }

  /** The entries of the audit log after one. */
  entriesSince(id: number): { kind: string; actor: string; action: string; outcome: string }[] {
    return this.#since.all(id) as { kind: string; actor: string; action: string; outcome: string }[];
  }
}

/** The tables in which two digests differ. */
export function changed(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  return [...after].filter(([table, digest]) => before.get(table) !== digest).map(([table]) => table);
}
