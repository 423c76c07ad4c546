import { type Connection, prepare } from './database.ts';
import type { Ring, RolloutState, UpdateTables } from './update-schema.ts';

/** Steps about what gateways are to run. Times are ms since 1970. */
export function updateStatements(connection: Connection) {
  return {
    /** Changes nothing where another one of its target is under way. */
    addRollout: prepare<
      Omit<UpdateTables['rollout'], 'number' | 'revision' | 'changed' | 'reason' | 'unheard'> & {
        unheard: string;
      }
    >(connection, (db, p) =>
      db
        .insertInto('rollout')
        .columns([
          ...(['id', 'release', 'target', 'ring', 'percent', 'state', 'unheard'] as const),
          ...(['halt_count', 'halt_share', 'halt_minutes', 'created', 'by', 'changed'] as const),
        ])
        .expression(
          db
            .selectNoFrom((eb) => [
              eb.val(p.id).as('id'),
              eb.val(p.release).as('release'),
              eb.val(p.target).as('target'),
              eb.val(p.ring).as('ring'),
              eb.val(p.percent).as('percent'),
              eb.val(p.state).as('state'),
              eb.val(p.unheard).as('unheard'),
              eb.val(p.halt_count).as('halt_count'),
              eb.val(p.halt_share).as('halt_share'),
              eb.val(p.halt_minutes).as('halt_minutes'),
              eb.val(p.created).as('created'),
              eb.val(p.by).as('by'),
              eb.val(p.created).as('changed'),
            ])
            .where(({ not, exists }) =>
              not(
                exists(
                  db
                    .selectFrom('rollout')
                    .select('id')
                    .where('target', '=', p.target)
                    .where('state', 'in', ['running', 'paused']),
                ),
              ),
            ),
        ),
    ),
    /** Changes nothing where it is another one than was read, or has come to its end. */
    setRollout: prepare<{
      id: string;
      revision: number;
      ring: Ring;
      percent: number;
      state: RolloutState;
      reason: string | null;
      count: number;
      share: number;
      minutes: number;
      at: number;
    }>(connection, (db, p) =>
      db
        .updateTable('rollout')
        .set((eb) => ({
          ...{ ring: p.ring, percent: p.percent, state: p.state, reason: p.reason, changed: p.at },
          ...{ halt_count: p.count, halt_share: p.share, halt_minutes: p.minutes },
          revision: eb('revision', '+', 1),
        }))
        .where('id', '=', p.id)
        .where('revision', '=', p.revision)
        .where('state', '<>', 'halted'),
    ),
    /**
     * After a restore: what was halted since the backup must not go on by itself. Of each target also the newest that is
     * finished, which is offered still.
     */
    pauseEveryRollout: prepare<{ at: number }>(connection, (db, p) =>
      db
        .updateTable('rollout')
        .set((eb) => ({ state: 'paused', changed: p.at, revision: eb('revision', '+', 1) }))
        .where((eb) =>
          eb.or([
            eb('state', '=', 'running'),
            eb.and([
              eb('state', '=', 'finished'),
              eb.not(
                eb.exists(
                  eb
                    .selectFrom('rollout as newer')
                    .select('newer.id')
                    .whereRef('newer.target', '=', 'rollout.target')
                    .whereRef('newer.number', '>', 'rollout.number')
                    .where('newer.state', '<>', 'halted'),
                ),
              ),
            ]),
          ]),
        ),
    ),
    /** Each of the two leaves the other as it is: whoever says something else of the gateway at that moment has said it. */
    setCanary: prepare<Pick<UpdateTables['update_setting'], 'device' | 'canary'>>(connection, (db, p) =>
      db
        .insertInto('update_setting')
        .values({
          device: p.device,
          canary: p.canary,
          pin: null,
          pin_release: null,
          pin_by: null,
          attempt: 0,
        })
        .onConflict((conflict) =>
          conflict.column('device').doUpdateSet((eb) => ({ canary: eb.ref('excluded.canary') })),
        ),
    ),
    setPin: prepare<Omit<UpdateTables['update_setting'], 'canary' | 'attempt'>>(connection, (db, p) =>
      db
        .insertInto('update_setting')
        .values({
          ...{ device: p.device, canary: 0, pin: p.pin, pin_release: p.pin_release },
          ...{ pin_by: p.pin_by, attempt: 0 },
        })
        .onConflict((conflict) =>
          conflict.column('device').doUpdateSet((eb) => ({
            pin: eb.ref('excluded.pin'),
            pin_release: eb.ref('excluded.pin_release'),
            pin_by: eb.ref('excluded.pin_by'),
          })),
        ),
    ),
    /** What it went back from, or refused, is offered once more: under another id. */
    retryUpdate: prepare<{ device: number }>(connection, (db, p) =>
      db
        .insertInto('update_setting')
        .values({ device: p.device, canary: 0, pin: null, pin_release: null, pin_by: null, attempt: 1 })
        .onConflict((conflict) =>
          conflict.column('device').doUpdateSet((eb) => ({ attempt: eb('update_setting.attempt', '+', 1) })),
        ),
    ),
    /** What it was offered until now counts no more. */
    retireOffers: prepare<{ device: number }>(connection, (db, p) =>
      db.updateTable('update_offer').set({ retried: 1 }).where('device', '=', p.device),
    ),
    /** Changes nothing where it was offered before. */
    addOffer: prepare<{ id: string; device: number; rollout: string | null; release: string; at: number }>(
      connection,
      (db, p) =>
        db
          .insertInto('update_offer')
          .values({
            ...{ id: p.id, device: p.device, rollout: p.rollout, release: p.release, made: p.at },
            ...{ state: 'offered', code: null, detail: null, since: p.at, took: null },
          })
          .onConflict((conflict) => conflict.column('id').doNothing()),
    ),
    /** The newest are kept. */
    trimOffers: prepare<{ device: number; kept: number }>(connection, (db, p) =>
      db
        .deleteFrom('update_offer')
        .where('device', '=', p.device)
        .where('made', '<=', (eb) =>
          eb
            .selectFrom('update_offer as newer')
            .select('newer.made')
            .where('newer.device', '=', p.device)
            .orderBy('newer.made', 'desc')
            .limit(1)
            .offset(p.kept as never),
        ),
    ),
    /** Says another name in place of one that began a rollout, or pinned a gateway: of who is erased. */
    forgetRolloutMaker: prepare<{ by: string; instead: string }>(connection, (db, p) =>
      db.updateTable('rollout').set({ by: p.instead }).where('by', '=', p.by),
    ),
    forgetPinner: prepare<{ by: string; instead: string }>(connection, (db, p) =>
      db.updateTable('update_setting').set({ pin_by: p.instead }).where('pin_by', '=', p.by),
    ),
  };
}
