import { sql } from 'kysely';
import { type Connection, prepare } from './database.ts';

/** Every statement of the writer, prepared once. */
export type Statements = ReturnType<typeof writeStatements>;

export function writeStatements(connection: Connection) {
  return {
    addToLedger: prepare<{
      gateway: number;
      deliveriesReceived: number;
      deliveriesStored: number;
      deliveriesDuplicate: number;
      deliveriesRejected: number;
      readingsReceived: number;
      readingsStored: number;
      readingsDuplicate: number;
      readingsRejected: number;
    }>(connection, (db, p) =>
      db
        .updateTable('gateway')
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
        .where('number', '=', p.gateway),
    ),
    addEpoch: prepare<{
      gateway: number;
      epoch: string;
      parent: string | null;
      parentLast: number | null;
      boot: string;
      oldest: number;
      opened: number;
    }>(connection, (db, p) =>
      db
        .insertInto('epoch')
        .values({
          gateway: p.gateway,
          epoch: p.epoch,
          parent: p.parent,
          parent_last: p.parentLast,
          boot: p.boot,
          oldest: p.oldest,
          dropped: '[]',
          readings_stored: 0,
          readings_duplicate: 0,
          opened: p.opened,
        })
        .onConflict((conflict) => conflict.doNothing()),
    ),
    epoch: prepare<
      { gateway: number; epoch: string },
      {
        number: number;
        boot: string;
        oldest: number;
        dropped: string;
        readings_stored: number;
        readings_duplicate: number;
      }
    >(connection, (db, p) =>
      db
        .selectFrom('epoch')
        .select(['number', 'boot', 'oldest', 'dropped', 'readings_stored', 'readings_duplicate'])
        .where('gateway', '=', p.gateway)
        .where('epoch', '=', p.epoch),
    ),
    setEpoch: prepare<{
      number: number;
      oldest: number;
      dropped: string;
      readingsStored: number;
      readingsDuplicate: number;
    }>(connection, (db, p) =>
      db
        .updateTable('epoch')
        .set({
          oldest: p.oldest,
          dropped: p.dropped,
          readings_stored: p.readingsStored,
          readings_duplicate: p.readingsDuplicate,
        })
        .where('number', '=', p.number),
    ),
    ranges: prepare<{ epoch: number }, { first: number; last: number }>(connection, (db, p) =>
      db.selectFrom('received_range').select(['first', 'last']).where('epoch', '=', p.epoch).orderBy('first'),
    ),
    setRange: prepare<{ epoch: number; first: number; last: number }>(connection, (db, p) =>
      db
        .insertInto('received_range')
        .values({ epoch: p.epoch, first: p.first, last: p.last })
        .onConflict((conflict) =>
          conflict.columns(['epoch', 'first']).doUpdateSet((eb) => ({ last: eb.ref('excluded.last') })),
        ),
    ),
    removeRange: prepare<{ epoch: number; first: number }>(connection, (db, p) =>
      db.deleteFrom('received_range').where('epoch', '=', p.epoch).where('first', '=', p.first),
    ),
    firstAnchor: prepare<{ gateway: number; boot: string }, { monotonic: number; wall: number }>(
      connection,
      (db, p) =>
        db
          .selectFrom('anchor')
          .select(['monotonic', 'wall'])
          .where('gateway', '=', p.gateway)
          .where('boot', '=', p.boot)
          .orderBy('monotonic')
          .limit(1),
    ),
    anchorUntil: prepare<
      { gateway: number; boot: string; until: number },
      { monotonic: number; wall: number }
    >(connection, (db, p) =>
      db
        .selectFrom('anchor')
        .select(['monotonic', 'wall'])
        .where('gateway', '=', p.gateway)
        .where('boot', '=', p.boot)
        .where('monotonic', '<=', p.until)
        .orderBy('monotonic', 'desc')
        .limit(1),
    ),
    anchorsWithin: prepare<
      { gateway: number; boot: string; after: number; until: number; most: number },
      { monotonic: number; wall: number }
    >(connection, (db, p) =>
      db
        .selectFrom('anchor')
        .select(['monotonic', 'wall'])
        .where('gateway', '=', p.gateway)
        .where('boot', '=', p.boot)
        .where('monotonic', '>', p.after)
        .where('monotonic', '<=', p.until)
        .orderBy('monotonic')
        .limit(p.most),
    ),
    addAnchor: prepare<{
      gateway: number;
      boot: string;
      monotonic: number;
      wall: number;
      uncertainty: number;
    }>(connection, (db, p) =>
      db
        .insertInto('anchor')
        .values({
          gateway: p.gateway,
          boot: p.boot,
          monotonic: p.monotonic,
          wall: p.wall,
          uncertainty: p.uncertainty,
        })
        .onConflict((conflict) => conflict.doNothing()),
    ),
    resolve: prepare<{ gateway: number; boot: string; timeline: string; offset: number }>(
      connection,
      (db, p) =>
        db
          .updateTable('delivery')
          .set({
            timeline: p.timeline,
            from_ms: sql<number>`from_monotonic + ${p.offset}`,
            to_ms: sql<number>`to_monotonic + ${p.offset}`,
          })
          .where('gateway', '=', p.gateway)
          .where('from_ms', 'is', null)
          .where('epoch', 'in', (eb) =>
            eb
              .selectFrom('epoch')
              .select('number')
              .where('epoch.gateway', '=', p.gateway)
              .where('boot', '=', p.boot),
          ),
    ),
    addDelivery: prepare<
      {
        gateway: number;
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
      },
      { id: number }
    >(connection, (db, p) =>
      db
        .insertInto('delivery')
        .values({
          gateway: p.gateway,
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
        })
        .returning('id'),
    ),
    addRejection: prepare<{
      gateway: number;
      at: number;
      channel: string;
      code: string;
      detail: string;
      payload: Uint8Array;
    }>(connection, (db, p) =>
      db.insertInto('rejection').values({
        gateway: p.gateway,
        at: p.at,
        channel: p.channel,
        code: p.code,
        detail: p.detail,
        payload: p.payload,
      }),
    ),
    /** The newest of a gateway are kept, and none for longer than stated. */
    trimRejections: prepare<{ gateway: number; since: number; kept: number }>(connection, (db, p) =>
      db
        .deleteFrom('rejection')
        .where('gateway', '=', p.gateway)
        .where((eb) =>
          eb.or([
            eb('at', '<', p.since),
            eb(
              'id',
              '<=',
              eb
                .selectFrom('rejection as newer')
                .select('newer.id')
                .where('newer.gateway', '=', p.gateway)
                .orderBy('newer.id', 'desc')
                .limit(1)
                .offset(p.kept as never),
            ),
          ]),
        ),
    ),
    setHealth: prepare<{ gateway: number; epoch: string; health: string }>(connection, (db, p) =>
      db
        .insertInto('health')
        .values({ gateway: p.gateway, epoch: p.epoch, message: p.health })
        .onConflict((conflict) =>
          conflict
            .columns(['gateway', 'epoch'])
            .doUpdateSet((eb) => ({ message: eb.ref('excluded.message') })),
        ),
    ),
    setReported: prepare<{ gateway: number; reported: string }>(connection, (db, p) =>
      db.updateTable('gateway').set({ reported: p.reported }).where('number', '=', p.gateway),
    ),
    setSeries: prepare<{ gateway: number; tag: number; count: number; latest: string | null }>(
      connection,
      (db, p) =>
        db
          .insertInto('series')
          .values({ gateway: p.gateway, tag: p.tag, count: p.count, latest: p.latest })
          .onConflict((conflict) =>
            conflict.columns(['gateway', 'tag']).doUpdateSet((eb) => ({
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
    forgetCheckpoint: prepare<Record<never, never>>(connection, (db) => db.deleteFrom('checkpoint')),
    forgetSeries: prepare<Record<never, never>>(connection, (db) => db.deleteFrom('series')),
    addOrganisation: prepare<{ id: string; name: string }>(connection, (db, p) =>
      db
        .insertInto('organisation')
        .values({ id: p.id, name: p.name })
        .onConflict((conflict) => conflict.doNothing()),
    ),
    addUser: prepare<{ name: string; organisation: string; passwordHash: string }>(connection, (db, p) =>
      db
        .insertInto('user')
        .values({ name: p.name, organisation: p.organisation, password_hash: p.passwordHash })
        .onConflict((conflict) => conflict.doNothing()),
    ),
    addSession: prepare<{ tokenHash: Uint8Array; user: string; expires: number }>(connection, (db, p) =>
      db.insertInto('session').values({ token_hash: p.tokenHash, user: p.user, expires: p.expires }),
    ),
    clearSessions: prepare<{ now: number }>(connection, (db, p) =>
      db.deleteFrom('session').where('expires', '<', p.now),
    ),
    endSession: prepare<{ tokenHash: Uint8Array }>(connection, (db, p) =>
      db.deleteFrom('session').where('token_hash', '=', p.tokenHash),
    ),
    addGateway: prepare<{ id: string; organisation: string }>(connection, (db, p) =>
      db
        .insertInto('gateway')
        .values({ id: p.id, organisation: p.organisation })
        .onConflict((conflict) => conflict.doNothing()),
    ),
    setEnrolment: prepare<{ gateway: string; secretHash: Uint8Array; expires: number }>(connection, (db, p) =>
      db
        .insertInto('enrolment')
        .values({ gateway: p.gateway, secret_hash: p.secretHash, key_hash: null, expires: p.expires })
        .onConflict((conflict) =>
          conflict.column('gateway').doUpdateSet((eb) => ({
            secret_hash: eb.ref('excluded.secret_hash'),
            key_hash: null,
            expires: eb.ref('excluded.expires'),
          })),
        ),
    ),
    /**
     * Binds the secret to the first key that comes with it, and says whether it fits, in one step: it opens for one
     * key only, which may ask again where the answer was lost.
     */
    spendEnrolment: prepare<{ gateway: string; secretHash: Uint8Array; keyHash: Uint8Array; at: number }>(
      connection,
      (db, p) =>
        db
          .updateTable('enrolment')
          .set({ key_hash: p.keyHash })
          .where('gateway', '=', p.gateway)
          .where('secret_hash', '=', p.secretHash)
          .where('expires', '>', p.at)
          .where((eb) => eb.or([eb('key_hash', 'is', null), eb('key_hash', '=', p.keyHash)])),
    ),
    addCertificate: prepare<{ fingerprint: string; subject: string; serial: string; expires: number }>(
      connection,
      (db, p) =>
        db.insertInto('certificate').values({
          fingerprint: p.fingerprint,
          subject: p.subject,
          serial: p.serial,
          expires: p.expires,
        }),
    ),
  };
}
