import { type Connection, prepare } from './database.ts';

/** Statements of epochs, the ranges of their numbers, and the anchors of boots. */
export function epochStatements(connection: Connection) {
  return {
    addEpoch: prepare<{
      device: number;
      epoch: string;
      parent: string | null;
      parentLast: number | null;
      boot: string;
      oldest: number;
      opened: number;
      source: string | null;
    }>(connection, (db, p) =>
      db
        .insertInto('epoch')
        .values({
          device: p.device,
          epoch: p.epoch,
          parent: p.parent,
          parent_last: p.parentLast,
          boot: p.boot,
          oldest: p.oldest,
          dropped: '[]',
          readings_stored: 0,
          readings_duplicate: 0,
          opened: p.opened,
          source: p.source,
        })
        .onConflict((conflict) => conflict.doNothing()),
    ),
    epoch: prepare<
      { device: number; epoch: string },
      {
        number: number;
        boot: string;
        oldest: number;
        dropped: string;
        readings_stored: number;
        readings_duplicate: number;
        opened: number;
      }
    >(connection, (db, p) =>
      db
        .selectFrom('epoch')
        .select(['number', 'boot', 'oldest', 'dropped', 'readings_stored', 'readings_duplicate', 'opened'])
        .where('device', '=', p.device)
        .where('epoch', '=', p.epoch),
    ),
    /** The newest epoch of a device that began where another one had begun. */
    siblingEpoch: prepare<{ device: number; epoch: string; parent: string }, { epoch: string }>(
      connection,
      (db, p) =>
        db
          .selectFrom('epoch')
          .select('epoch')
          .where('device', '=', p.device)
          .where('parent', '=', p.parent)
          .where('epoch', '!=', p.epoch)
          .orderBy('number', 'desc')
          .limit(1),
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
    firstAnchor: prepare<{ device: number; boot: string }, { monotonic: number; wall: number }>(
      connection,
      (db, p) =>
        db
          .selectFrom('anchor')
          .select(['monotonic', 'wall'])
          .where('device', '=', p.device)
          .where('boot', '=', p.boot)
          .orderBy('monotonic')
          .limit(1),
    ),
    anchorUntil: prepare<
      { device: number; boot: string; until: number },
      { monotonic: number; wall: number }
    >(connection, (db, p) =>
      db
        .selectFrom('anchor')
        .select(['monotonic', 'wall'])
        .where('device', '=', p.device)
        .where('boot', '=', p.boot)
        .where('monotonic', '<=', p.until)
        .orderBy('monotonic', 'desc')
        .limit(1),
    ),
    anchorsWithin: prepare<
      { device: number; boot: string; after: number; until: number; most: number },
      { monotonic: number; wall: number }
    >(connection, (db, p) =>
      db
        .selectFrom('anchor')
        .select(['monotonic', 'wall'])
        .where('device', '=', p.device)
        .where('boot', '=', p.boot)
        .where('monotonic', '>', p.after)
        .where('monotonic', '<=', p.until)
        .orderBy('monotonic')
        .limit(p.most),
    ),
    addAnchor: prepare<{
      device: number;
      boot: string;
      monotonic: number;
      wall: number;
      uncertainty: number;
    }>(connection, (db, p) =>
      db
        .insertInto('anchor')
        .values({
          device: p.device,
          boot: p.boot,
          monotonic: p.monotonic,
          wall: p.wall,
          uncertainty: p.uncertainty,
        })
        .onConflict((conflict) => conflict.doNothing()),
    ),
  };
}
