import { type Compilable, type Kysely, sql } from 'kysely';
import { accountingTables } from './accounting-schema.ts';
import { auditTables } from './audit-schema.ts';
import { chunkTables } from './chunks/schema.ts';
import { contestTables } from './contest-schema.ts';
import { counterTables } from './counter-schema.ts';
import { deviceTables } from './device-schema.ts';
import { downlinkTables } from './downlink-schema.ts';
import { eventTables } from './event-schema.ts';
import { fleetTables } from './fleet-schema.ts';
import { certificateKeys, identityTables } from './identity-schema.ts';
import { invitationTables, peopleTables } from './people-schema.ts';
import { retentionTables } from './retention-schema.ts';
import type { Schema } from './schema.ts';
import { unheardInRollouts, updateTables } from './update-schema.ts';

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
  deviceTables,
  fleetTables,
  chunkTables,
  accountingTables,
  counterTables,
  retentionTables,
  identityTables,
  certificateKeys,
  contestTables,
  updateTables,
  unheardInRollouts,
];
