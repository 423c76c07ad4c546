import type { Aspect } from '@loadline/sdk/telemetry';
import type { Compilable, Generated, Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** Tables of what deliveries have been merged into. */
export interface ChunkTables {
  /** Some readings of one series, and what is to be known of them without opening them. Never changed: replaced. */
  chunk: {
    id: Generated<number>;
    device: number;
    tag: number;
    aspect: Aspect;
    /** Times of its first and last reading, ms since 1970. */
    from_ms: number;
    to_ms: number;
    /** Its readings, and those of them whose value is a number. */
    count: number;
    numbers: number;
    /** Of the physical numbers; null without any. */
    sum: number | null;
    min: number | null;
    max: number | null;
    /** When the least and the greatest number came first. */
    min_ms: number | null;
    max_ms: number | null;
    /** Physical numbers of its first and last reading; null where these are none. */
    first: number | null;
    last: number | null;
    /** When the first reading came that is no number. */
    bad_ms: number | null;
    /** 1 while more readings may be merged into it. */
    open: number;
  };
  /** The readings themselves: see README.md beside this file. */
  chunk_body: { chunk: number; plot: Uint8Array; rest: Uint8Array };
  /** Whose readings a chunk holds: how many of each epoch. */
  chunk_epoch: { chunk: number; epoch: number; count: number };
  /**
   * Boots whose readings got their times after they had been counted: what is newest among them is not in the live
   * index of the last checkpoint.
   */
  resolved_boot: { device: number; boot: string };
}

/** The step by which deliveries can be merged. */
export function chunkTables({ schema }: Kysely<Schema>): Compilable[] {
  return [
    schema
      .createTable('chunk')
      .addColumn('id', 'integer', (c) => c.primaryKey().autoIncrement())
      .addColumn('device', 'integer', (c) => c.notNull())
      .addColumn('tag', 'integer', (c) => c.notNull())
      .addColumn('aspect', 'text', (c) => c.notNull())
      .addColumn('from_ms', 'integer', (c) => c.notNull())
      .addColumn('to_ms', 'integer', (c) => c.notNull())
      .addColumn('count', 'integer', (c) => c.notNull())
      .addColumn('numbers', 'integer', (c) => c.notNull())
      .addColumn('sum', 'real')
      .addColumn('min', 'real')
      .addColumn('max', 'real')
      .addColumn('min_ms', 'integer')
      .addColumn('max_ms', 'integer')
      .addColumn('first', 'real')
      .addColumn('last', 'real')
      .addColumn('bad_ms', 'integer')
      .addColumn('open', 'integer', (c) => c.notNull()),
    schema.createIndex('chunk_in_time').on('chunk').columns(['device', 'tag', 'aspect', 'to_ms', 'from_ms']),
    schema.createIndex('chunk_open').on('chunk').columns(['device', 'open', 'tag', 'aspect']),
    schema
      .createTable('chunk_body')
      .addColumn('chunk', 'integer', (c) => c.primaryKey().references('chunk.id'))
      .addColumn('plot', 'blob', (c) => c.notNull())
      .addColumn('rest', 'blob', (c) => c.notNull()),
    schema
      .createTable('chunk_epoch')
      .addColumn('chunk', 'integer', (c) => c.notNull().references('chunk.id'))
      .addColumn('epoch', 'integer', (c) => c.notNull().references('epoch.number'))
      .addColumn('count', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('epoch_of_chunk', ['chunk', 'epoch']),
    schema.createIndex('chunk_of_epoch').on('chunk_epoch').columns(['epoch', 'chunk']),
    schema
      .createTable('resolved_boot')
      .addColumn('device', 'integer', (c) => c.notNull())
      .addColumn('boot', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('boot_resolved', ['device', 'boot']),
    schema.alterTable('delivery').addColumn('merged_below', 'integer', (c) => c.notNull().defaultTo(0)),
    // What is due to be merged is asked every few seconds: the index alone answers.
    schema.dropIndex('delivery_in_time'),
    schema
      .createIndex('delivery_in_time')
      .on('delivery')
      .columns(['device', 'from_ms', 'to_ms', 'count', 'written_ms']),
  ];
}
