import type { Aspect } from '@loadline/sdk/telemetry';
import { type Compilable, type Generated, type Kysely, sql } from 'kysely';
import { type AuditTables, auditTables } from './audit-schema.ts';
import { type DownlinkTables, downlinkTables } from './downlink-schema.ts';
import { type EventTables, eventTables } from './event-schema.ts';
import { invitationTables, type PeopleTables, peopleTables } from './people-schema.ts';

/**
 * The tables. Times are whole milliseconds since 1970 unless a name says otherwise; `gateway` and `epoch`
 * columns of the hot tables hold row numbers, not names.
 */
export interface Schema extends AuditTables, DownlinkTables, EventTables, PeopleTables {
  organisation: {
    id: string;
    name: string;
    isolation: Generated<'basic' | 'strict'>;
    /** Whom it asks for a second factor. */
    second_factor: Generated<'not-required' | 'administrators' | 'everyone'>;
    /** Days that an API token may live, and that the audit log is kept. */
    token_days: Generated<number>;
    audit_days: Generated<number>;
    /** Sessions and tokens from before it have ended. */
    cut_off: number | null;
    created: Generated<number>;
    /** Goes up with every change of what people are in it: a change is made on what was read, or not at all. */
    revision: Generated<number>;
  };
  gateway: {
    number: Generated<number>;
    id: string;
    organisation: string;
    /** What people call it; null where nobody has named it. */
    name: string | null;
    department: string | null;
    customer: string | null;
    /** JSON of the last `reported` message. */
    reported: string | null;
    /** Readings and deliveries: received = stored + duplicate + rejected, counted apart at door and commit. */
    deliveries_received: Generated<number>;
    deliveries_stored: Generated<number>;
    deliveries_duplicate: Generated<number>;
    deliveries_rejected: Generated<number>;
    readings_received: Generated<number>;
    readings_stored: Generated<number>;
    readings_duplicate: Generated<number>;
    readings_rejected: Generated<number>;
  };
  /** Certificates issued, by SHA-256 fingerprint. A certificate that is not here opens nothing. */
  certificate: {
    fingerprint: string;
    subject: string;
    serial: string;
    expires: number;
    revoked: number | null;
  };
  /** A one-time enrolment secret, as a hash, bound to one gateway, and, once used, to one key. */
  enrolment: { gateway: string; secret_hash: Uint8Array; key_hash: Uint8Array | null; expires: number };
  epoch: {
    number: Generated<number>;
    gateway: number;
    epoch: string;
    parent: string | null;
    parent_last: number | null;
    boot: string;
    /** The oldest number the gateway still held, at the last delivery. */
    oldest: number;
    /** JSON [[first, last], …] of numbers the gateway declared dropped. */
    dropped: string;
    readings_stored: number;
    readings_duplicate: number;
    /** When its first delivery was committed. */
    opened: number;
  };
  /**
   * The last `health` message of each run, JSON: the gateway's own account. By the epoch's name, since a
   * gateway may report before the first batch of its epoch is committed.
   */
  health: { gateway: number; epoch: string; message: string };
  /** The numbers of an epoch that are committed, as ranges. */
  received_range: { epoch: number; first: number; last: number };
  /** Anchors of a gateway's boots: what resolves monotonic to wall time. */
  anchor: { gateway: number; boot: string; monotonic: number; wall: number; uncertainty: number };
  /** One row a delivery: the batch as it came. */
  delivery: {
    id: Generated<number>;
    gateway: number;
    epoch: number;
    first: number;
    count: number;
    /** JSON [[first, last], …] where only some of its numbers were new; null where all were. */
    fresh: string | null;
    /** JSON [[monotonic, wall], …] it was resolved with; null until its boot has an anchor. */
    timeline: string | null;
    from_ms: number | null;
    to_ms: number | null;
    /** Monotonic ms of its earliest and latest entry. */
    from_monotonic: number;
    to_monotonic: number;
    /** Milliseconds since 1970 when the row was written, just before its commit was synced. */
    written_ms: number;
    body: Uint8Array;
  };
  /** Deliveries that can never be stored, kept so that nothing is refused without a trace. */
  rejection: {
    id: Generated<number>;
    gateway: number;
    at: number;
    channel: string;
    code: string;
    detail: string;
    payload: Uint8Array;
  };
  /** What the live index knew of each series at the last checkpoint; deliveries after `through` are not in it. */
  series: { gateway: number; tag: number; aspect: Aspect; count: number; latest: string | null };
  checkpoint: { id: number; through: number };
}

/** How the schema came to be, step by step. A step once released is never changed. */
export const migrations: readonly ((db: Kysely<Schema>) => Compilable[])[] = [
  ({ schema }) => [
    schema
      .createTable('organisation')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('name', 'text', (c) => c.notNull()),
    schema
      .createTable('user')
      .addColumn('name', 'text', (c) => c.primaryKey())
      .addColumn('organisation', 'text', (c) => c.notNull().references('organisation.id'))
      .addColumn('password_hash', 'text', (c) => c.notNull()),
    schema
      .createTable('session')
      .addColumn('token_hash', 'blob', (c) => c.primaryKey())
      .addColumn('user', 'text', (c) => c.notNull().references('user.name'))
      .addColumn('expires', 'integer', (c) => c.notNull()),
    [
      'deliveries_received',
      'deliveries_stored',
      'deliveries_duplicate',
      'deliveries_rejected',
      'readings_received',
      'readings_stored',
      'readings_duplicate',
      'readings_rejected',
    ].reduce(
      (table, counter) => table.addColumn(counter, 'integer', (c) => c.notNull().defaultTo(0)),
      schema
        .createTable('gateway')
        .addColumn('number', 'integer', (c) => c.primaryKey())
        .addColumn('id', 'text', (c) => c.notNull().unique())
        .addColumn('organisation', 'text', (c) => c.notNull().references('organisation.id'))
        .addColumn('reported', 'text'),
    ),
    schema
      .createTable('certificate')
      .addColumn('fingerprint', 'text', (c) => c.primaryKey())
      .addColumn('subject', 'text', (c) => c.notNull())
      .addColumn('serial', 'text', (c) => c.notNull())
      .addColumn('expires', 'integer', (c) => c.notNull())
      .addColumn('revoked', 'integer'),
    schema
      .createTable('enrolment')
      .addColumn('gateway', 'text', (c) => c.primaryKey().references('gateway.id'))
      .addColumn('secret_hash', 'blob', (c) => c.notNull())
      .addColumn('key_hash', 'blob')
      .addColumn('expires', 'integer', (c) => c.notNull()),
    schema
      .createTable('epoch')
      .addColumn('number', 'integer', (c) => c.primaryKey())
      .addColumn('gateway', 'integer', (c) => c.notNull().references('gateway.number'))
      .addColumn('epoch', 'text', (c) => c.notNull())
      .addColumn('parent', 'text')
      .addColumn('parent_last', 'integer')
      .addColumn('boot', 'text', (c) => c.notNull())
      .addColumn('oldest', 'integer', (c) => c.notNull())
      .addColumn('dropped', 'text', (c) => c.notNull())
      .addColumn('readings_stored', 'integer', (c) => c.notNull())
      .addColumn('readings_duplicate', 'integer', (c) => c.notNull())
      .addColumn('opened', 'integer', (c) => c.notNull())
      .addUniqueConstraint('epoch_of_gateway', ['gateway', 'epoch']),
    schema
      .createTable('health')
      .addColumn('gateway', 'integer', (c) => c.notNull().references('gateway.number'))
      .addColumn('epoch', 'text', (c) => c.notNull())
      .addColumn('message', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('health_of_epoch', ['gateway', 'epoch']),
    schema
      .createTable('received_range')
      .addColumn('epoch', 'integer', (c) => c.notNull().references('epoch.number'))
      .addColumn('first', 'integer', (c) => c.notNull())
      .addColumn('last', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('range_of_epoch', ['epoch', 'first']),
    schema
      .createTable('anchor')
      .addColumn('gateway', 'integer', (c) => c.notNull().references('gateway.number'))
      .addColumn('boot', 'text', (c) => c.notNull())
      .addColumn('monotonic', 'integer', (c) => c.notNull())
      .addColumn('wall', 'integer', (c) => c.notNull())
      .addColumn('uncertainty', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('anchor_of_boot', ['gateway', 'boot', 'monotonic']),
    schema
      .createTable('delivery')
      .addColumn('id', 'integer', (c) => c.primaryKey())
      .addColumn('gateway', 'integer', (c) => c.notNull())
      .addColumn('epoch', 'integer', (c) => c.notNull().references('epoch.number'))
      .addColumn('first', 'integer', (c) => c.notNull())
      .addColumn('count', 'integer', (c) => c.notNull())
      .addColumn('fresh', 'text')
      .addColumn('timeline', 'text')
      .addColumn('from_ms', 'integer')
      .addColumn('to_ms', 'integer')
      .addColumn('from_monotonic', 'integer', (c) => c.notNull())
      .addColumn('to_monotonic', 'integer', (c) => c.notNull())
      .addColumn('written_ms', 'integer', (c) => c.notNull())
      .addColumn('body', 'blob', (c) => c.notNull()),
    schema.createIndex('delivery_in_time').on('delivery').columns(['gateway', 'from_ms', 'to_ms']),
    schema.createIndex('delivery_of_epoch').on('delivery').columns(['epoch', 'first']),
    schema
      .createTable('rejection')
      .addColumn('id', 'integer', (c) => c.primaryKey())
      .addColumn('gateway', 'integer', (c) => c.notNull())
      .addColumn('at', 'integer', (c) => c.notNull())
      .addColumn('channel', 'text', (c) => c.notNull())
      .addColumn('code', 'text', (c) => c.notNull())
      .addColumn('detail', 'text', (c) => c.notNull())
      .addColumn('payload', 'blob', (c) => c.notNull()),
    schema.createIndex('rejection_of_gateway').on('rejection').columns(['gateway', 'id']),
    schema
      .createTable('series')
      .addColumn('gateway', 'integer', (c) => c.notNull())
      .addColumn('tag', 'integer', (c) => c.notNull())
      .addColumn('count', 'integer', (c) => c.notNull())
      .addColumn('latest', 'text')
      .addPrimaryKeyConstraint('series_of_gateway', ['gateway', 'tag']),
    schema
      .createTable('checkpoint')
      .addColumn('id', 'integer', (c) => c.primaryKey())
      .addColumn('through', 'integer', (c) => c.notNull()),
  ],
  downlinkTables,
  eventTables,
  // A tag may be several series: all that was stored before is as it was heard.
  (db) => [
    db.schema.alterTable('series').renameTo('series_of_tag'),
    db.schema
      .createTable('series')
      .addColumn('gateway', 'integer', (c) => c.notNull())
      .addColumn('tag', 'integer', (c) => c.notNull())
      .addColumn('aspect', 'text', (c) => c.notNull())
      .addColumn('count', 'integer', (c) => c.notNull())
      .addColumn('latest', 'text')
      .addPrimaryKeyConstraint('series_of_aspect', ['gateway', 'tag', 'aspect']),
    {
      compile: () =>
        sql`insert into series select gateway, tag, 'heard', count, latest from series_of_tag`.compile(db),
    },
    db.schema.dropTable('series_of_tag'),
  ],
  peopleTables,
  auditTables,
  invitationTables,
];
