import { sql } from 'kysely';
import { type Connection, prepare } from './database.ts';
import type { CheckpointWrite } from './writes.ts';

/** What a group of writes adds to one device's ledger. */
export interface LedgerEntry {
  deliveriesReceived: number;
  deliveriesStored: number;
  deliveriesDuplicate: number;
  deliveriesRejected: number;
  readingsReceived: number;
  readingsStored: number;
  readingsDuplicate: number;
  readingsRejected: number;
}

/** Statements of deliveries, what they add to the ledger, and what the live index knows of them. */
export function deliveryStatements(connection: Connection) {
  return {
    addToLedger: prepare<LedgerEntry & { device: number }>(connection, (db, p) =>
      db
        .updateTable('device')
        .set((eb) => ({
          deliveries_received: eb('deliveries_received', '+', p.deliveriesReceived),
          deliveries_stored: eb('deliveries_stored', '+', p.deliveriesStored),
          deliveries_duplicate: eb('deliveries_duplicate', '+', p.deliveriesDuplicate),
          deliveries_rejected: eb('deliveries_rejected', '+', p.deliveriesRejected),
          readings_received: eb('readings_received', '+', p.readingsReceived),
          readings_stored: eb('readings_stored', '+', p.readingsStored),
          readings_duplicate: eb('readings_duplicate', '+', p.readingsDuplicate),
          readings_rejected: eb('readings_rejected', '+', p.readingsRejected),
        }))
        .where('number', '=', p.device),
    ),
    addDelivery: prepare<{
      id: number;
      device: number;
      epoch: number;
      first: number;
      count: number;
      fresh: string | null;
      timeline: string | null;
      fromMs: number | null;
      toMs: number | null;
      fromMonotonic: number;
      toMonotonic: number;
      writtenMs: number;
      body: Uint8Array;
    }>(connection, (db, p) =>
      db.insertInto('delivery').values({
        id: p.id,
        device: p.device,
        epoch: p.epoch,
        first: p.first,
        count: p.count,
        fresh: p.fresh,
        timeline: p.timeline,
        from_ms: p.fromMs,
        to_ms: p.toMs,
        from_monotonic: p.fromMonotonic,
        to_monotonic: p.toMonotonic,
        written_ms: p.writtenMs,
        body: p.body,
      }),
    ),
    resolve: prepare<{ device: number; boot: string; timeline: string; offset: number }>(
      connection,
      (db, p) =>
        db
          .updateTable('delivery')
          .set({
            timeline: p.timeline,
            from_ms: sql<number>`from_monotonic + ${p.offset}`,
            to_ms: sql<number>`to_monotonic + ${p.offset}`,
          })
          .where('device', '=', p.device)
          .where('from_ms', 'is', null)
          .where('epoch', 'in', (eb) =>
            eb
              .selectFrom('epoch')
              .select('number')
              .where('epoch.device', '=', p.device)
              .where('boot', '=', p.boot),
          ),
    ),
    addRejection: prepare<{
      device: number;
      at: number;
      channel: string;
      code: string;
      detail: string;
      payload: Uint8Array;
    }>(connection, (db, p) =>
      db.insertInto('rejection').values({
        device: p.device,
        at: p.at,
        channel: p.channel,
        code: p.code,
        detail: p.detail,
        payload: p.payload,
      }),
    ),
    /** The newest of a device are kept, and none for longer than stated. */
    trimRejections: prepare<{ device: number; since: number; kept: number }>(connection, (db, p) =>
      db
        .deleteFrom('rejection')
        .where('device', '=', p.device)
        .where((eb) =>
          eb.or([
            eb('at', '<', p.since),
            eb(
              'id',
              '<=',
              eb
                .selectFrom('rejection as newer')
                .select('newer.id')
                .where('newer.device', '=', p.device)
                .orderBy('newer.id', 'desc')
                .limit(1)
                .offset(p.kept as never),
            ),
          ]),
        ),
    ),
    setHealth: prepare<{ device: number; epoch: string; health: string }>(connection, (db, p) =>
      db
        .insertInto('health')
        .values({ device: p.device, epoch: p.epoch, message: p.health })
        .onConflict((conflict) =>
          conflict
            .columns(['device', 'epoch'])
            .doUpdateSet((eb) => ({ message: eb.ref('excluded.message') })),
        ),
    ),
    setReported: prepare<{ device: number; reported: string }>(connection, (db, p) =>
      db.updateTable('device').set({ reported: p.reported }).where('number', '=', p.device),
    ),
    setSeries: prepare<CheckpointWrite['series'][number]>(connection, (db, p) =>
      db
        .insertInto('series')
        .values({ device: p.device, tag: p.tag, aspect: p.aspect, count: p.count, latest: p.latest })
        .onConflict((conflict) =>
          conflict.columns(['device', 'tag', 'aspect']).doUpdateSet((eb) => ({
            count: eb.ref('excluded.count'),
            latest: eb.ref('excluded.latest'),
          })),
        ),
    ),
    setCheckpoint: prepare<{ through: number }>(connection, (db, p) =>
      db
        .insertInto('checkpoint')
        .values({ id: 1, through: p.through })
        .onConflict((conflict) =>
          conflict.column('id').doUpdateSet((eb) => ({ through: eb.ref('excluded.through') })),
        ),
    ),
    addResolvedBoot: prepare<{ device: number; boot: string }>(connection, (db, p) =>
      db
        .insertInto('resolved_boot')
        .values({ device: p.device, boot: p.boot })
        .onConflict((conflict) => conflict.doNothing()),
    ),
    forgetResolvedBoots: prepare<Record<never, never>>(connection, (db) => db.deleteFrom('resolved_boot')),
    newestDelivery: prepare<Record<never, never>, { id: number | null }>(connection, (db) =>
      db.selectFrom('delivery').select((eb) => eb.fn.max('id').as('id')),
    ),
    checkpoint: prepare<Record<never, never>, { through: number }>(connection, (db) =>
      db.selectFrom('checkpoint').select('through'),
    ),
  };
}
