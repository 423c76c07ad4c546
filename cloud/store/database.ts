import { join } from 'node:path';
import Database from 'better-sqlite3-multiple-ciphers';
import {
  type Compilable,
  DummyDriver,
  Kysely,
  type RawBuilder,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely';
import type { Schema } from './schema.ts';

/** The one file that knows the embedded engine: opening it, encrypting it, and running typed statements on it. */

/** Where the database is, and how it is opened. */
export interface DatabaseOptions {
  /** The database file. */
  readonly file: string;
  /** 64 hex digits: the key of the whole file, its log included. */
  readonly key: string;
  /**
   * `full` (default): a commit is on disk before it returns. `off`: it is only handed to the system, for the
   * control experiments that show what `full` is worth.
   */
  readonly durability?: 'full' | 'off';
}

/** Bytes of its file that the log keeps when it begins anew: more than it needs while all is well. */
const logBytes = 16 * 1024 * 1024;

/** An open connection to the database. */
export type Connection = Database.Database;

/**
 * Opens the database, encrypted whole (AEGIS-256), in write-ahead logging. Throws where the key is not the one
 * it was made with.
 */
export function openConnection(options: DatabaseOptions, mode: 'write' | 'read'): Connection {
  try {
    return open(options, mode);
  } catch (error) {
    if ((error as { code?: string }).code !== 'SQLITE_NOTADB') throw error;
    throw new Error(`${options.file} does not open with this key: restore the key it was made with`, {
      cause: error,
    });
  }
}

function open(options: DatabaseOptions, mode: 'write' | 'read'): Connection {
  const connection = new Database(options.file, { readonly: mode === 'read', timeout: 5000 });
  // The order is the library's: cipher, key, and only then what reads the file.
  connection.pragma("cipher = 'aegis'");
  connection.pragma(`key = 'raw:${options.key}'`);
  if (mode === 'write') {
    connection.pragma('journal_mode = WAL');
    connection.pragma(`synchronous = ${options.durability === 'off' ? 'OFF' : 'FULL'}`);
    // What a long read, or a backup, had made longer is cut back when the log begins anew.
    connection.pragma(`journal_size_limit = ${logBytes}`);
    // What was deleted is overwritten, or somebody who was erased would still be in the pages that are free.
    connection.pragma('secure_delete = ON');
  }
  // Sorting and spilling must not leave readable copies beside the encrypted file.
  connection.pragma('temp_store = MEMORY');
  connection.pragma('foreign_keys = ON');
  // The first look into the file: a wrong key shows here.
  connection.pragma('schema_version');
  return connection;
}

/**
 * Takes a folder for this process alone, until the function it returns is called or the process ends, however it
 * ends. The writer keeps what it knows in memory: two of them on one database would each undo the other's word.
 */
export function takeFolder(folder: string): () => void {
  const lock = new Database(join(folder, 'in-use.lock'), { timeout: 0 });
  try {
    lock.pragma('locking_mode = EXCLUSIVE');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    throw new Error(`${folder} is in use by another cloud: stop that one first, or choose another folder`, {
      cause: error,
    });
  }
  return () => lock.close();
}

/** Whether a database opens with this key. Nothing is written. */
export function opensWith(options: DatabaseOptions): boolean {
  try {
    open(options, 'read').close();
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === 'SQLITE_NOTADB') return false;
    throw error;
  }
}

/**
 * Brings what is in the log into the database file, such that the file alone is all of it. Nobody else may have it open.
 *
 * @throws Error where somebody has
 */
export function foldLog(options: DatabaseOptions): void {
  const connection = openConnection(options, 'write');
  try {
    const [state] = connection.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
    if (state?.busy !== 0) throw new Error(`${options.file} is being read: end what reads it, and try again`);
  } finally {
    connection.close();
  }
}

/**
 * Encrypts a database that nobody else has open with another key, and looks at every page of what came of it. Not safe
 * against power cuts: for drafts. Leaves one file, without a log beside it.
 */
export function rekeyDatabase(options: DatabaseOptions, next: string): void {
  const connection = openConnection(options, 'write');
  try {
    // The engine rewrites every page in one transaction, whose journal is encrypted too.
    connection.pragma('journal_mode = DELETE');
    connection.pragma(`rekey = 'raw:${next}'`);
  } finally {
    connection.close();
  }
  const again = openConnection({ ...options, key: next }, 'read');
  try {
    checkPages(again);
  } finally {
    again.close();
  }
}

/** Reads every page, and so has the cipher prove each; looks whether they belong together. @throws Error where not */
export function checkPages(connection: Connection): void {
  const found = connection.pragma('integrity_check(1)', { simple: true });
  if (found !== 'ok') throw new Error(`the database is damaged: ${String(found)}`);
}

/** The tables that are there, by name. */
export function tablesOf(connection: Connection): string[] {
  const tables = connection.pragma('table_list') as { schema: string; name: string; type: string }[];
  return tables
    .filter(({ schema, name, type }) => schema === 'main' && type === 'table' && !name.startsWith('sqlite_'))
    .map(({ name }) => name)
    .sort();
}

/** The rows of a table as they stand in the file, each as the list of its values. */
export function rowsOf(connection: Connection, table: string): IterableIterator<Bound[]> {
  const quoted = `"${table.replaceAll('"', '""')}"`;
  const [about] = connection.pragma(`table_list(${quoted})`) as { wr: number }[];
  const order = about?.wr === 0 ? ' order by rowid' : '';
  return connection.prepare(`select * from ${quoted}${order}`).raw(true).iterate() as IterableIterator<
    Bound[]
  >;
}

/**
 * What is read from now on is the state of one moment, until the function it returns is called. For tools beside a cloud:
 * the log is not cut back meanwhile.
 */
export function readOneMoment(connection: Connection): () => void {
  connection.exec('BEGIN');
  return () => connection.exec('COMMIT');
}

/** Bytes of the pages that hold something: the file without what was freed and is used again. */
export function usedBytes(connection: Connection): number {
  const pragma = (name: string) => connection.pragma(name, { simple: true }) as number;
  return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
}

/** Runs `work` as one transaction: all of it is committed, or, where it throws, nothing. */
export function inTransaction<T>(connection: Connection, work: () => T): T {
  return connection.transaction(work)();
}

/** What has no one form in SQL: the engine's own words for it. */

/** The texts of a JSON array, a row each. */
export function textsOf(json: string): RawBuilder<string> {
  return sql<string>`(select value from json_each(${json}))`;
}

/** The JSON array of a column's texts, over the rows of a query, in ascending order. */
export function listOf(column: string): RawBuilder<string> {
  return sql<string>`json_group_array(${sql.ref(column)} order by ${sql.ref(column)})`;
}

/** The lesser of two numbers, neither of them null. */
export function lesserOf(a: RawBuilder<number>, b: RawBuilder<number>): RawBuilder<number> {
  return sql<number>`min(${a}, ${b})`;
}

/** Whether a column's text holds another, letter for letter. */
export function holdsText(column: string, text: string): RawBuilder<boolean> {
  return sql<boolean>`instr(${sql.ref(column)}, ${text}) > 0`;
}

/** So many random bytes, as small hexadecimal digits: for rows that a step of the schema makes. */
export function randomHex(bytes: number): RawBuilder<string> {
  return sql<string>`lower(hex(randomblob(${sql.lit(bytes)})))`;
}

/** Constraints that what somebody asks for can break; every other one is a mistake of the program. */
const refusing: ReadonlySet<unknown> = new Set([
  'SQLITE_CONSTRAINT_UNIQUE',
  'SQLITE_CONSTRAINT_PRIMARYKEY',
  'SQLITE_CONSTRAINT_FOREIGNKEY',
]);

/** Whether a statement failed because it would have made something twice, or referred to what is not there. */
export function breaksConstraint(error: unknown): boolean {
  return refusing.has((error as { code?: unknown }).code);
}

/** Steps of `migrate` that a database has taken. */
export function schemaVersion(connection: Connection): number {
  return connection.pragma('user_version', { simple: true }) as number;
}

/** Brings the log into the file and closes: for the last that has it open for writing. */
export function closeFolded(connection: Connection): void {
  connection.pragma('wal_checkpoint(TRUNCATE)');
  connection.close();
}

const builder = new Kysely<Schema>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

class Parameter {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

type Bound = string | number | bigint | Uint8Array | null;

/** A prepared statement with named, typed parameters. */
export interface Statement<P, Row> {
  /** Runs it; the number of rows changed. */
  run(parameters: P): number;
  /** Its first row. */
  first(parameters: P): Row | undefined;
  /** All its rows. */
  all(parameters: P): Row[];
  /** Its rows one after the other; nothing else may use the connection meanwhile. */
  each(parameters: P): IterableIterator<Row>;
}

/**
 * A query built with kysely, prepared at its first use: `build` is called once, with a placeholder for each parameter, so that
 * the cost of building is not paid again for each delivery.
 */
export function prepare<P extends Record<keyof P, Bound>, Row = unknown>(
  connection: Connection,
  build: (db: Kysely<Schema>, parameters: P) => Compilable<Row>,
): Statement<P, Row> {
  let prepared: { statement: Database.Statement; bind: (parameters: P) => Bound[] } | undefined;
  // At its first use: a thread knows hundreds of statements, and asks a few.
  const ready = () => {
    if (prepared !== undefined) return prepared;
    const placeholders = new Proxy({}, { get: (_, name) => new Parameter(String(name)) }) as P;
    const query = build(builder, placeholders).compile();
    const bind = (parameters: P) =>
      query.parameters.map((one) =>
        one instanceof Parameter ? parameters[one.name as keyof P] : (one as Bound),
      );
    prepared = { statement: connection.prepare(query.sql), bind };
    return prepared;
  };
  return {
    run: (parameters) => {
      const { statement, bind } = ready();
      return statement.run(...bind(parameters)).changes;
    },
    first: (parameters) => {
      const { statement, bind } = ready();
      return statement.get(...bind(parameters)) as Row | undefined;
    },
    all: (parameters) => {
      const { statement, bind } = ready();
      return statement.all(...bind(parameters)) as Row[];
    },
    each: (parameters) => {
      const { statement, bind } = ready();
      return statement.iterate(...bind(parameters)) as IterableIterator<Row>;
    },
  };
}

/** Brings the schema up to date: runs, in order and each in one transaction, the steps not yet taken. */
export function migrate(
  connection: Connection,
  steps: readonly ((db: Kysely<Schema>) => Compilable[])[],
): void {
  const done = schemaVersion(connection);
  if (done > steps.length) {
    throw new Error(
      `the database is of version ${done}, this program knows ${steps.length}: start the newer program that wrote it`,
    );
  }
  for (let step = done; step < steps.length; step++) {
    inTransaction(connection, () => {
      for (const query of steps[step]?.(builder) ?? []) connection.exec(query.compile().sql);
      connection.pragma(`user_version = ${step + 1}`);
    });
  }
}
