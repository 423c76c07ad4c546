import { createHash } from 'node:crypto';
import { auditReads } from './audit-reads.ts';
import {
  type Connection,
  checkPages,
  type DatabaseOptions,
  inTransaction,
  openConnection,
  prepare,
  rowsOf,
  schemaVersion,
  tablesOf,
} from './database.ts';

/** What is in a database, such that two of them can be compared: figures and digests, and nothing of what they count. */
export interface Survey {
  /** Steps of the schema that were taken. */
  readonly schema: number;
  readonly fleet: { readonly generation: string; readonly counter: number; readonly fenced: number | null };
  /** Of every table its rows, and SHA-256 of them in their order, as hex. */
  readonly tables: Readonly<Record<string, { readonly rows: number; readonly sha256: string }>>;
  /** The ledgers of organisations: sums over their devices. */
  readonly ledger: readonly LedgerSum[];
  /** The last entry of each chain of the audit log. */
  readonly chains: readonly {
    readonly organisation: string | null;
    readonly sequence: number;
    readonly hash: string;
  }[];
}

interface Counts {
  readonly received: number;
  readonly stored: number;
  readonly duplicate: number;
  readonly rejected: number;
}

export interface LedgerSum {
  readonly organisation: string;
  readonly devices: number;
  readonly deliveries: Counts;
  readonly readings: Counts & { readonly expired: number; readonly deleted: number };
}

/**
 * Reads all of a database that nobody writes meanwhile: each page is proven by the cipher, each row goes into a digest.
 *
 * @throws Error where it does not open with this key, or is damaged
 */
export function surveyDatabase(options: DatabaseOptions): Survey {
  const connection = openConnection(options, 'read');
  try {
    return inTransaction(connection, () => {
      checkPages(connection);
      return surveyOf(connection);
    });
  } finally {
    connection.close();
  }
}

function surveyOf(connection: Connection): Survey {
  const fleet = prepare<Record<never, never>, Survey['fleet']>(connection, (db) =>
    db.selectFrom('fleet').select(['generation', 'counter', 'fenced']),
  ).first({});
  if (fleet === undefined) throw new Error('the database says nothing of its generation');
  return {
    schema: schemaVersion(connection),
    fleet,
    tables: Object.fromEntries(tablesOf(connection).map((table) => [table, digestOf(connection, table)])),
    ledger: ledgerOf(connection),
    chains: auditReads(connection)
      .auditChains({})
      .map(({ organisation, head }) => ({ organisation, sequence: head.sequence, hash: head.hash })),
  };
}

/** Each value with its kind and length before it, so that no two tables of different content are digested alike. */
function digestOf(connection: Connection, table: string): { rows: number; sha256: string } {
  const digest = createHash('sha256');
  let rows = 0;
  for (const row of rowsOf(connection, table)) {
    rows += 1;
    for (const value of row) {
      if (value instanceof Uint8Array) digest.update(`b${value.length}:`).update(value);
      else
        digest.update(value === null ? 'n' : `${(typeof value)[0]}${String(value).length}:${String(value)}`);
    }
    digest.update('\n');
  }
  return { rows, sha256: digest.digest('hex') };
}

function ledgerOf(connection: Connection): LedgerSum[] {
  const of = ['deliveries', 'readings'] as const;
  const counts = ['received', 'stored', 'duplicate', 'rejected'] as const;
  const columns = [
    ...of.flatMap((what) => counts.map((count) => `${what}_${count}` as const)),
    'readings_expired',
    'readings_deleted',
  ] as const;
  type Row = { readonly organisation: string; readonly devices: number } & {
    readonly [K in (typeof columns)[number]]: number;
  };
  const rows = prepare<Record<never, never>, Row>(
    connection,
    (db) =>
      db
        .selectFrom('device')
        .select((eb) => [
          'organisation',
          eb.fn.countAll<number>().as('devices'),
          ...columns.map((column) => eb.fn.sum<number>(column).as(column)),
        ])
        .groupBy('organisation')
        .orderBy('organisation') as never,
  ).all({});
  return rows.map((row) => ({
    organisation: row.organisation,
    devices: row.devices,
    deliveries: {
      received: row.deliveries_received,
      stored: row.deliveries_stored,
      duplicate: row.deliveries_duplicate,
      rejected: row.deliveries_rejected,
    },
    readings: {
      received: row.readings_received,
      stored: row.readings_stored,
      duplicate: row.readings_duplicate,
      rejected: row.readings_rejected,
      expired: row.readings_expired,
      deleted: row.readings_deleted,
    },
  }));
}
