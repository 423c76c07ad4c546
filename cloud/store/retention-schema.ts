import type { Aspect } from '@loadline/sdk/telemetry';
import type { Compilable, Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** Tables of how long readings are kept. */
export interface RetentionTables {
  /** Series that are kept for another time than their organisation's others. */
  series_retention: { device: number; tag: number; aspect: Aspect; days: number };
}

/** The step that makes them, and what an organisation keeps: all of it, until it says so. */
export function retentionTables({ schema }: Kysely<Schema>): Compilable[] {
  return [
    schema.alterTable('organisation').addColumn('readings_days', 'integer'),
    schema
      .createTable('series_retention')
      .addColumn('device', 'integer', (c) => c.notNull().references('device.number'))
      .addColumn('tag', 'integer', (c) => c.notNull())
      .addColumn('aspect', 'text', (c) => c.notNull())
      .addColumn('days', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('retention_of_series', ['device', 'tag', 'aspect']),
  ];
}
