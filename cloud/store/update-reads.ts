import type { SlotName } from '@loadline/sdk/contract';
import { type Connection, prepare } from './database.ts';
import type { OfferState, UpdateTables } from './update-schema.ts';

/** A rollout as it is stored. Times are ms since 1970. */
export type RolloutRow = Omit<UpdateTables['rollout'], 'number' | 'revision' | 'unheard'> & {
  readonly number: number;
  readonly revision: number;
  readonly unheard: string;
};

/** What a gateway last said of itself. */
export type UpdateStateRow = Omit<UpdateTables['update_state'], 'slot' | 'state'> & {
  readonly slot: SlotName | null;
  readonly state: OfferState | 'idle';
};

export type UpdateSettingRow = UpdateTables['update_setting'];
export type OfferRow = UpdateTables['update_offer'];

/** What is known of one gateway's updates; undefined of what there is nothing. */
export interface UpdateRow {
  readonly setting: UpdateSettingRow | undefined;
  readonly state: UpdateStateRow | undefined;
  /** Whether its organisation lets its gateways be updated. */
  readonly isUpdated: boolean;
}

/** How it goes with what was offered for a rollout: gateways by state; of those that took it, how many are overdue. */
export interface RolloutCounts {
  readonly states: Readonly<Partial<Record<OfferState, number>>>;
  readonly overdue: number;
}

/** Bad ends of a rollout, those alike of one organisation together. */
export interface RolloutFailure {
  readonly organisation: string;
  readonly state: OfferState;
  readonly code: string | null;
  readonly detail: string | null;
  readonly gateways: number;
}

/** What gateways of one organisation wait for before they take what they were offered. */
export interface RolloutWait {
  readonly organisation: string;
  readonly detail: string | null;
  readonly gateways: number;
}

/** What one gateway of the fleet runs. */
export interface FleetUpdateRow {
  /** Row number. */
  readonly device: number;
  readonly release: string;
  readonly slot: string | null;
  readonly target: string;
  readonly state: string;
  readonly canary: number | null;
}

/** Bad ends, and reasons to wait, that are told apart at most. */
const mostReasons = 100;

/** Questions about what gateways run, and are to run. */
export function updateReads(connection: Connection) {
  const rollouts = prepare<Record<never, never>, RolloutRow>(connection, (db) =>
    db.selectFrom('rollout').selectAll().orderBy('number', 'desc'),
  );
  const one = prepare<{ id: string }, RolloutRow>(connection, (db, p) =>
    db.selectFrom('rollout').selectAll().where('id', '=', p.id),
  );
  const states = prepare<{ rollout: string }, { organisation: string; state: OfferState; count: number }>(
    connection,
    (db, p) =>
      db
        .selectFrom('update_offer')
        .innerJoin('device', 'device.number', 'update_offer.device')
        .select(['device.organisation', 'update_offer.state', (eb) => eb.fn.countAll<number>().as('count')])
        .where('rollout', '=', p.rollout)
        .where('retried', '=', 0)
        .groupBy(['device.organisation', 'update_offer.state']),
  );
  const overdue = prepare<{ rollout: string; before: number }, { organisation: string; count: number }>(
    connection,
    (db, p) =>
      db
        .selectFrom('update_offer')
        .innerJoin('device', 'device.number', 'update_offer.device')
        .select(['device.organisation', (eb) => eb.fn.countAll<number>().as('count')])
        .where('rollout', '=', p.rollout)
        .where('retried', '=', 0)
        .where('update_offer.state', 'not in', ['confirmed', 'rolled-back', 'refused'])
        .where('took', '<', p.before)
        .groupBy('device.organisation'),
  );
  const failures = prepare<{ rollout: string; before: number; limit: number }, RolloutFailure>(
    connection,
    (db, p) =>
      db
        .selectFrom('update_offer')
        .innerJoin('device', 'device.number', 'update_offer.device')
        .select(['device.organisation', 'update_offer.state', 'code', 'detail'])
        .select((eb) => eb.fn.countAll<number>().as('gateways'))
        .where('rollout', '=', p.rollout)
        .where('retried', '=', 0)
        .where((eb) =>
          eb.or([
            eb('update_offer.state', 'in', ['rolled-back', 'refused']),
            eb.and([eb('update_offer.state', '<>', 'confirmed'), eb('took', '<', p.before)]),
          ]),
        )
        .groupBy(['device.organisation', 'update_offer.state', 'code', 'detail'])
        .orderBy('gateways', 'desc')
        .limit(p.limit),
  );
  const waits = prepare<{ rollout: string; limit: number }, RolloutWait>(connection, (db, p) =>
    db
      .selectFrom('update_offer')
      .innerJoin('device', 'device.number', 'update_offer.device')
      .select(['device.organisation', 'detail', (eb) => eb.fn.countAll<number>().as('gateways')])
      .where('rollout', '=', p.rollout)
      .where('retried', '=', 0)
      .where('update_offer.state', '=', 'waiting')
      .groupBy(['device.organisation', 'detail'])
      .orderBy('gateways', 'desc')
      .limit(p.limit),
  );
  const failed = prepare<{ rollout: string }, { device: number }>(connection, (db, p) =>
    db
      .selectFrom('update_offer')
      .select('device')
      .distinct()
      .where('rollout', '=', p.rollout)
      .where('retried', '=', 0)
      .where('state', 'in', ['rolled-back', 'refused']),
  );
  const setting = prepare<{ device: number }, UpdateSettingRow>(connection, (db, p) =>
    db.selectFrom('update_setting').selectAll().where('device', '=', p.device),
  );
  const state = prepare<{ device: number }, UpdateStateRow>(
    connection,
    (db, p) => db.selectFrom('update_state').selectAll().where('device', '=', p.device) as never,
  );
  const policy = prepare<{ device: number }, { updates: 'on' | 'paused' }>(connection, (db, p) =>
    db
      .selectFrom('device')
      .innerJoin('organisation', 'organisation.id', 'device.organisation')
      .select('organisation.updates')
      .where('device.number', '=', p.device),
  );
  const settings = prepare<{ organisation: string }, UpdateSettingRow>(connection, (db, p) =>
    db
      .selectFrom('update_setting')
      .innerJoin('device', 'device.number', 'update_setting.device')
      .selectAll('update_setting')
      .where('device.organisation', '=', p.organisation),
  );
  const statesOf = prepare<{ organisation: string }, UpdateStateRow>(
    connection,
    (db, p) =>
      db
        .selectFrom('update_state')
        .innerJoin('device', 'device.number', 'update_state.device')
        .selectAll('update_state')
        .where('device.organisation', '=', p.organisation) as never,
  );
  const offer = prepare<{ id: string }, OfferRow>(connection, (db, p) =>
    db.selectFrom('update_offer').selectAll().where('id', '=', p.id),
  );
  const offers = prepare<{ device: number; limit: number }, OfferRow>(connection, (db, p) =>
    db
      .selectFrom('update_offer')
      .selectAll()
      .where('device', '=', p.device)
      .orderBy('made', 'desc')
      .orderBy('id')
      .limit(p.limit),
  );
  const fleet = prepare<Record<never, never>, FleetUpdateRow>(connection, (db) =>
    db
      .selectFrom('update_state')
      .leftJoin('update_setting', 'update_setting.device', 'update_state.device')
      .select(['update_state.device', 'release', 'slot', 'target', 'state', 'canary']),
  );

  return {
    /** All of them, the newest first. */
    rollouts: (_: Record<never, never>): RolloutRow[] => rollouts.all({}),

    rollout: (query: { id: string }): RolloutRow | undefined => one.first(query),

    /** `before`: what was taken then or earlier is overdue, ms since 1970. `without`: organisations that do not count. */
    rolloutCounts({
      without = [],
      ...query
    }: {
      rollout: string;
      before: number;
      without?: readonly string[];
    }): RolloutCounts {
      const counts = ({ organisation }: { organisation: string }) => !without.includes(organisation);
      const found: Partial<Record<OfferState, number>> = {};
      for (const { state, count } of states.all(query).filter(counts)) {
        found[state] = (found[state] ?? 0) + count;
      }
      const late = overdue.all(query).filter(counts);
      return { states: found, overdue: late.reduce((sum, { count }) => sum + count, 0) };
    },

    /** The most frequent first; also what is overdue: see `rolloutCounts`. */
    rolloutFailures: (query: { rollout: string; before: number }): RolloutFailure[] =>
      failures.all({ ...query, limit: mostReasons }),

    /** The most frequent first. */
    rolloutWaits: (query: { rollout: string }): RolloutWait[] => waits.all({ ...query, limit: mostReasons }),

    /** Row numbers of gateways that went back from it, or refused it. */
    rolloutFailed: (query: { rollout: string }): number[] => failed.all(query).map(({ device }) => device),

    update(query: { device: number }): UpdateRow {
      return {
        setting: setting.first(query),
        state: state.first(query),
        isUpdated: policy.first(query)?.updates === 'on',
      };
    },

    /** Of all gateways of an organisation of which anything is known. */
    updatesOf(query: { organisation: string }): { settings: UpdateSettingRow[]; states: UpdateStateRow[] } {
      return { settings: settings.all(query), states: statesOf.all(query) };
    },

    offer: (query: { id: string }): OfferRow | undefined => offer.first(query),

    /** What a gateway was offered, the newest first. */
    offers: (query: { device: number; limit: number }): OfferRow[] => offers.all(query),

    /** What every gateway of the fleet runs that has said so. */
    fleetUpdates: (_: Record<never, never>): FleetUpdateRow[] => fleet.all({}),
  };
}
