import type { Compilable, Generated, Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** Whom a rollout reaches: gateways that are marked as canaries; those and a share of the others; all. */
export type Ring = 'canary' | 'percent' | 'all';

/** `finished` is not watched any more and still reaches whom it reached; `halted` reaches nobody, for good. */
export type RolloutState = 'running' | 'paused' | 'finished' | 'halted';

/** How far a gateway is with what it was offered, as it says itself; `offered` where it has said nothing of it yet. */
export type OfferState =
  | 'offered'
  | 'waiting'
  | 'downloading'
  | 'installing'
  | 'trying'
  | 'confirmed'
  | 'rolled-back'
  | 'refused';

/** Tables of what gateways are to run, and what they run. Times are whole milliseconds since 1970. */
export interface UpdateTables {
  /** One release for one target, on its way to gateways: the fleet's. */
  rollout: {
    number: Generated<number>;
    id: string;
    release: string;
    target: string;
    ring: Ring;
    /** Of the gateways that are no canaries, in the ring `percent`. */
    percent: number;
    state: RolloutState;
    /** Why it was halted; null where it was not. */
    reason: string | null;
    /** What it is halted by: bad ends, their share in percent of all ends, and minutes without an end. */
    halt_count: number;
    halt_share: number;
    halt_minutes: number;
    created: number;
    by: string;
    changed: number;
    /** Goes up with every change. */
    revision: Generated<number>;
    /** Organisations by whose gateways it is not judged: JSON, a list of ids. */
    unheard: Generated<string>;
  };
  /** What is said of one gateway: whether it goes ahead of others, and a release that it is pinned to. */
  update_setting: {
    device: number;
    canary: number;
    /** Another one with each pin, so that pinning again is another wish. Null where it is not pinned. */
    pin: string | null;
    pin_release: string | null;
    pin_by: string | null;
    /** Goes up with each retry: what was refused is offered under another id then. */
    attempt: number;
  };
  /** What a gateway last said that it runs, and how far it is. */
  update_state: {
    device: number;
    release: string;
    slot: string | null;
    target: string;
    offer: string | null;
    state: string;
    code: string | null;
    detail: string | null;
    /** Bytes, while it downloads. */
    done: number | null;
    total: number | null;
    /** While it tries: seconds that it has left. */
    seconds_left: number | null;
    /** Since when it is so, and when it said so last. */
    since: number;
    heard: number;
  };
  /** What gateways were offered, and what came of it. */
  update_offer: {
    id: string;
    device: number;
    /** The rollout that it was for; null of a pin. */
    rollout: string | null;
    release: string;
    made: number;
    state: OfferState;
    code: string | null;
    detail: string | null;
    since: number;
    /** When it was taken: installed, or tried. Null before. */
    took: number | null;
    /** 1 where it was offered once more since: it counts no more. */
    retried: Generated<number>;
  };
}

/** The step that makes them, and what an organisation says for all of its gateways. */
export function updateTables({ schema }: Kysely<Schema>): Compilable[] {
  return [
    schema
      .createTable('rollout')
      .addColumn('number', 'integer', (c) => c.primaryKey())
      .addColumn('id', 'text', (c) => c.notNull().unique())
      .addColumn('release', 'text', (c) => c.notNull())
      .addColumn('target', 'text', (c) => c.notNull())
      .addColumn('ring', 'text', (c) => c.notNull())
      .addColumn('percent', 'integer', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('reason', 'text')
      .addColumn('halt_count', 'integer', (c) => c.notNull())
      .addColumn('halt_share', 'integer', (c) => c.notNull())
      .addColumn('halt_minutes', 'integer', (c) => c.notNull())
      .addColumn('created', 'integer', (c) => c.notNull())
      .addColumn('by', 'text', (c) => c.notNull())
      .addColumn('changed', 'integer', (c) => c.notNull())
      .addColumn('revision', 'integer', (c) => c.notNull().defaultTo(1)),
    schema.createIndex('rollout_of_target').on('rollout').columns(['target', 'state']),
    schema
      .createTable('update_setting')
      .addColumn('device', 'integer', (c) => c.primaryKey().references('device.number'))
      .addColumn('canary', 'integer', (c) => c.notNull().defaultTo(0))
      .addColumn('pin', 'text')
      .addColumn('pin_release', 'text')
      .addColumn('pin_by', 'text')
      .addColumn('attempt', 'integer', (c) => c.notNull().defaultTo(0)),
    schema
      .createTable('update_state')
      .addColumn('device', 'integer', (c) => c.primaryKey().references('device.number'))
      .addColumn('release', 'text', (c) => c.notNull())
      .addColumn('slot', 'text')
      .addColumn('target', 'text', (c) => c.notNull())
      .addColumn('offer', 'text')
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('code', 'text')
      .addColumn('detail', 'text')
      .addColumn('done', 'integer')
      .addColumn('total', 'integer')
      .addColumn('seconds_left', 'integer')
      .addColumn('since', 'integer', (c) => c.notNull())
      .addColumn('heard', 'integer', (c) => c.notNull()),
    schema
      .createTable('update_offer')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('device', 'integer', (c) => c.notNull().references('device.number'))
      .addColumn('rollout', 'text', (c) => c.references('rollout.id'))
      .addColumn('release', 'text', (c) => c.notNull())
      .addColumn('made', 'integer', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('code', 'text')
      .addColumn('detail', 'text')
      .addColumn('since', 'integer', (c) => c.notNull())
      .addColumn('took', 'integer')
      .addColumn('retried', 'integer', (c) => c.notNull().defaultTo(0)),
    schema.createIndex('update_offer_of_device').on('update_offer').columns(['device', 'made']),
    schema.createIndex('update_offer_of_rollout').on('update_offer').columns(['rollout', 'state']),
    schema.alterTable('organisation').addColumn('updates', 'text', (c) => c.notNull().defaultTo('on')),
  ];
}

/** One organisation's gateways are not to keep a release from all others. */
export function unheardInRollouts({ schema }: Kysely<Schema>): Compilable[] {
  return [schema.alterTable('rollout').addColumn('unheard', 'text', (c) => c.notNull().defaultTo('[]'))];
}
