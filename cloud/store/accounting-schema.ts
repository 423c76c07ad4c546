import type { Compilable, Generated, Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** What is counted of a session, in one interval or in one day. */
export interface AccountingCounts {
  messages_in: number;
  messages_out: number;
  readings: number;
  bytes_in: number;
  bytes_out: number;
  /** Deliveries and requests that were put off, because a limit was reached. */
  limited: number;
}

/** Whose session it is. Organisation: empty where it is of none. */
export interface AccountingSubject {
  organisation: string;
  subject_kind: string;
  subject: string;
}

/** The tables of accounting. Times are whole milliseconds since 1970, days whole days since then (UTC). */
export interface AccountingTables {
  /** Only ever added to, until it is too old: start, interim and stop of sessions, each with what came since the last. */
  accounting_record: AccountingSubject &
    AccountingCounts & {
      id: Generated<number>;
      session: string;
      kind: 'start' | 'interim' | 'stop';
      /** The interval, which never goes over a midnight (UTC). */
      from_ms: number;
      to_ms: number;
      /** Id of what proved the subject. */
      credential: string | null;
      door: string;
      /** Why it stopped. */
      cause: string | null;
    };
  /** Where a session came from: personal, so beside the records, and gone with the person, or sooner. */
  accounting_source: { session: string; source: string; person: string | null; at: number };
  /** Sessions that have not stopped, with the end of their last interval: what a start after a crash has to close. */
  accounting_open: AccountingSubject & {
    session: string;
    credential: string | null;
    door: string;
    until_ms: number;
  };
  /** One row: when the cloud last said that it is at work. Sessions in which nothing happens have no records till then. */
  accounting_alive: { id: number; at: number };
  /** By day: the sums of the records. */
  usage: AccountingSubject & AccountingCounts & { day: number; sessions: number; milliseconds: number };
  /** What somebody has set of limits, JSON: for an organisation by the fleet operator, for a device by its organisation. */
  limit_setting: { of: 'organisation' | 'device'; id: string; settings: string; changed: number };
}

const counters = [
  'messages_in',
  'messages_out',
  'readings',
  'bytes_in',
  'bytes_out',
  'limited',
] as const satisfies readonly (keyof AccountingCounts)[];

/** The step that makes them. */
export function accountingTables({ schema }: Kysely<Schema>): Compilable[] {
  return [
    counters.reduce(
      (table, counter) => table.addColumn(counter, 'integer', (c) => c.notNull()),
      schema
        .createTable('accounting_record')
        .addColumn('id', 'integer', (c) => c.primaryKey())
        .addColumn('session', 'text', (c) => c.notNull())
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('from_ms', 'integer', (c) => c.notNull())
        .addColumn('to_ms', 'integer', (c) => c.notNull())
        .addColumn('organisation', 'text', (c) => c.notNull())
        .addColumn('subject_kind', 'text', (c) => c.notNull())
        .addColumn('subject', 'text', (c) => c.notNull())
        .addColumn('credential', 'text')
        .addColumn('door', 'text', (c) => c.notNull())
        .addColumn('cause', 'text'),
    ),
    schema
      .createIndex('accounting_of_organisation')
      .on('accounting_record')
      .columns(['organisation', 'to_ms', 'id']),
    schema.createIndex('accounting_in_time').on('accounting_record').column('to_ms'),
    schema
      .createTable('accounting_source')
      .addColumn('session', 'text', (c) => c.primaryKey())
      .addColumn('source', 'text', (c) => c.notNull())
      .addColumn('person', 'text', (c) => c.references('person.id').onDelete('cascade'))
      .addColumn('at', 'integer', (c) => c.notNull()),
    schema.createIndex('accounting_source_of_person').on('accounting_source').column('person'),
    schema.createIndex('accounting_source_in_time').on('accounting_source').column('at'),
    schema
      .createTable('accounting_open')
      .addColumn('session', 'text', (c) => c.primaryKey())
      .addColumn('organisation', 'text', (c) => c.notNull())
      .addColumn('subject_kind', 'text', (c) => c.notNull())
      .addColumn('subject', 'text', (c) => c.notNull())
      .addColumn('credential', 'text')
      .addColumn('door', 'text', (c) => c.notNull())
      .addColumn('until_ms', 'integer', (c) => c.notNull()),
    schema
      .createTable('accounting_alive')
      .addColumn('id', 'integer', (c) => c.primaryKey())
      .addColumn('at', 'integer', (c) => c.notNull()),
    counters.reduce(
      (table, counter) => table.addColumn(counter, 'integer', (c) => c.notNull()),
      schema
        .createTable('usage')
        .addColumn('day', 'integer', (c) => c.notNull())
        .addColumn('organisation', 'text', (c) => c.notNull())
        .addColumn('subject_kind', 'text', (c) => c.notNull())
        .addColumn('subject', 'text', (c) => c.notNull())
        .addColumn('sessions', 'integer', (c) => c.notNull())
        .addColumn('milliseconds', 'integer', (c) => c.notNull())
        .addPrimaryKeyConstraint('usage_of_day', ['organisation', 'day', 'subject_kind', 'subject']),
    ),
    schema.createIndex('usage_in_time').on('usage').column('day'),
    schema
      .createTable('limit_setting')
      .addColumn('of', 'text', (c) => c.notNull())
      .addColumn('id', 'text', (c) => c.notNull())
      .addColumn('settings', 'text', (c) => c.notNull())
      .addColumn('changed', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('limits_of_one', ['of', 'id']),
  ];
}
