import type { Compilable, Generated, Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** What happened to devices and their sensors. */
export interface EventTables {
  event: {
    id: Generated<number>;
    device: number;
    /** Row number. */
    epoch: number;
    number: number;
    /** Milliseconds since the device's boot. */
    monotonic: number;
    /** Milliseconds since 1970; null until its boot has an anchor. */
    at: number | null;
    /**
     * Where it stands in the order of events, ms since 1970: at its own time, and while that is not known, or lies
     * ahead, at that of its arrival. An event from a clock that is wrong must not hide the others for years.
     */
    placed: number;
    code: string;
    subject: string;
    detail: string;
  };
}

/** The step that makes them. */
export function eventTables({ schema }: Kysely<Schema>): Compilable[] {
  return [
    schema
      .createTable('event')
      .addColumn('id', 'integer', (c) => c.primaryKey())
      .addColumn('gateway', 'integer', (c) => c.notNull().references('gateway.number'))
      .addColumn('epoch', 'integer', (c) => c.notNull().references('epoch.number'))
      .addColumn('number', 'integer', (c) => c.notNull())
      .addColumn('monotonic', 'integer', (c) => c.notNull())
      .addColumn('at', 'integer')
      .addColumn('placed', 'integer', (c) => c.notNull())
      .addColumn('code', 'text', (c) => c.notNull())
      .addColumn('subject', 'text', (c) => c.notNull())
      .addColumn('detail', 'text', (c) => c.notNull()),
    schema.createIndex('event_in_order').on('event').columns(['gateway', 'placed', 'id']),
  ];
}
