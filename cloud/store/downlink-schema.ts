import type { Compilable, Generated, Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** The tables of what is on its way down to devices. Times are whole milliseconds since 1970. */
export interface DownlinkTables {
  /** What each device is to be configured as: the last word only. */
  desired: {
    device: number;
    /** Sorts after every one before it. */
    revision: string;
    /** JSON. */
    configuration: string;
    created: number;
    /** Name of the user. */
    by: string;
  };
  command: {
    number: Generated<number>;
    device: number;
    id: string;
    /** JSON. */
    command: string;
    created: number;
    by: string;
    expires: number;
    /** When it was first put on a link. */
    sent: number | null;
    /** What the device said came of it, and when that was committed. */
    outcome: string | null;
    detail: string | null;
    finished: number | null;
  };
}

/** The step that makes them. */
export function downlinkTables({ schema }: Kysely<Schema>): Compilable[] {
  return [
    schema
      .createTable('desired')
      .addColumn('gateway', 'integer', (c) => c.primaryKey().references('gateway.number'))
      .addColumn('revision', 'text', (c) => c.notNull())
      .addColumn('configuration', 'text', (c) => c.notNull())
      .addColumn('created', 'integer', (c) => c.notNull())
      .addColumn('by', 'text', (c) => c.notNull()),
    schema
      .createTable('command')
      .addColumn('number', 'integer', (c) => c.primaryKey())
      .addColumn('gateway', 'integer', (c) => c.notNull().references('gateway.number'))
      .addColumn('id', 'text', (c) => c.notNull().unique())
      .addColumn('command', 'text', (c) => c.notNull())
      .addColumn('created', 'integer', (c) => c.notNull())
      .addColumn('by', 'text', (c) => c.notNull())
      .addColumn('expires', 'integer', (c) => c.notNull())
      .addColumn('sent', 'integer')
      .addColumn('outcome', 'text')
      .addColumn('detail', 'text')
      .addColumn('finished', 'integer'),
    schema.createIndex('command_of_gateway').on('command').columns(['gateway', 'number']),
  ];
}
