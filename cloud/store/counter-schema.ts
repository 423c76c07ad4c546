import type { Compilable, Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** Tables of signed lines. */
export interface CounterTables {
  /**
   * What came under the counters of a socket key, as far behind its highest as one may still come: for as long as they are
   * not behind that, however long ago it was, or a line that somebody kept would count twice.
   */
  socket_counter: {
    credential: string;
    counter: number;
    /** SHA-256 of the readings as they came. */
    digest: Uint8Array;
  };
}

/** The step that makes them, and what an organisation lets in over sockets: nothing, until it says so. */
export function counterTables({ schema }: Kysely<Schema>): Compilable[] {
  return [
    schema
      .createTable('socket_counter')
      .addColumn('credential', 'text', (c) => c.notNull().references('device_credential.id'))
      .addColumn('counter', 'integer', (c) => c.notNull())
      .addColumn('digest', 'blob', (c) => c.notNull())
      .addPrimaryKeyConstraint('counter_of_credential', ['credential', 'counter']),
    schema.alterTable('organisation').addColumn('sockets', 'text', (c) => c.notNull().defaultTo('off')),
  ];
}
