import { type Compilable, type Generated, type Kysely, sql } from 'kysely';
import { randomHex } from './database.ts';
import type { Schema } from './schema.ts';

/** The tables of what the fleet is as a whole. Times are whole milliseconds since 1970. */
export interface FleetTables {
  /** One row. */
  fleet: {
    id: Generated<number>;
    /** 32 hex digits: which line of history this database is. A restored copy that takes over begins another one. */
    generation: string;
    /** How many generations there were, this one included. */
    counter: number;
    /** When it began; 0 for what was there before generations were. */
    since: number;
    /** When the backup was made that this database is a copy of, until it takes over; null at work. */
    fenced: number | null;
  };
}

/** The step that makes them, and by which a membership can be held back after a restore. */
export function fleetTables(db: Kysely<Schema>): Compilable[] {
  return [
    db.schema
      .createTable('fleet')
      .addColumn('id', 'integer', (c) => c.primaryKey())
      .addColumn('generation', 'text', (c) => c.notNull())
      .addColumn('counter', 'integer', (c) => c.notNull())
      .addColumn('since', 'integer', (c) => c.notNull())
      .addColumn('fenced', 'integer'),
    {
      compile: () =>
        sql`insert into fleet (id, generation, counter, since) values (1, ${randomHex(16)}, 1, 0)`.compile(
          db,
        ),
    },
    db.schema.alterTable('membership').addColumn('held', 'integer'),
  ];
}
