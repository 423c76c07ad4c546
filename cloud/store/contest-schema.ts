import type { Compilable, Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** Tables of which processes have shown one identity. Times are whole milliseconds since 1970. */
export interface ContestTables {
  /** Epochs that gateways have stated when they were let in: each is one process that ran. */
  epoch_stated: {
    device: number;
    epoch: string;
    /** The address it was let in from last. */
    source: string;
    at: number;
    /** Goes up with each change from one epoch to another: the highest is the one that was let in last. */
    turn: number;
  };
}

/** The step that makes them, and what epochs and alarms have besides. */
export function contestTables({ schema }: Kysely<Schema>): Compilable[] {
  return [
    schema
      .createTable('epoch_stated')
      .addColumn('device', 'integer', (c) => c.notNull().references('device.number'))
      .addColumn('epoch', 'text', (c) => c.notNull())
      .addColumn('source', 'text', (c) => c.notNull())
      .addColumn('at', 'integer', (c) => c.notNull())
      .addColumn('turn', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('epoch_stated_of_device', ['device', 'epoch']),
    schema.alterTable('epoch').addColumn('source', 'text'),
    schema.createIndex('epoch_of_parent').on('epoch').columns(['device', 'parent']),
    schema.alterTable('alarm').addColumn('told', 'integer'),
    schema.alterTable('alarm').addColumn('pause', 'integer'),
    schema.createIndex('alarm_of_device').on('alarm').columns(['device', 'kind', 'first']),
  ];
}
