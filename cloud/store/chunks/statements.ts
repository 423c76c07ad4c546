import type { Aspect } from '@loadline/sdk/telemetry';
import { type Connection, prepare } from '../database.ts';
import type { SeriesName } from './readings.ts';
import type { Summary } from './summary.ts';

/** A chunk as its row says, its readings not opened. */
export interface ChunkRow extends Summary {
  readonly id: number;
}

/** The statements that write chunks: the merger's and retention's. */
export function chunkStatements(connection: Connection) {
  return {
    addChunk: prepare<SeriesName & Summary & { open: number }, { id: number }>(connection, (db, p) =>
      db
        .insertInto('chunk')
        .values({
          device: p.device,
          tag: p.tag,
          aspect: p.aspect,
          from_ms: p.from,
          to_ms: p.to,
          count: p.count,
          numbers: p.numbers,
          sum: p.sum,
          min: p.min,
          max: p.max,
          min_ms: p.minTime,
          max_ms: p.maxTime,
          first: p.first,
          last: p.last,
          bad_ms: p.badTime,
          open: p.open,
        })
        .returning('id'),
    ),
    addBody: prepare<{ chunk: number; plot: Uint8Array; rest: Uint8Array }>(connection, (db, p) =>
      db.insertInto('chunk_body').values({ chunk: p.chunk, plot: p.plot, rest: p.rest }),
    ),
    addEpochOfChunk: prepare<{ chunk: number; epoch: number; count: number }>(connection, (db, p) =>
      db.insertInto('chunk_epoch').values({ chunk: p.chunk, epoch: p.epoch, count: p.count }),
    ),
    removeBody: prepare<{ chunk: number }>(connection, (db, p) =>
      db.deleteFrom('chunk_body').where('chunk', '=', p.chunk),
    ),
    removeEpochs: prepare<{ chunk: number }>(connection, (db, p) =>
      db.deleteFrom('chunk_epoch').where('chunk', '=', p.chunk),
    ),
    removeChunk: prepare<{ chunk: number }>(connection, (db, p) =>
      db.deleteFrom('chunk').where('id', '=', p.chunk),
    ),
    /** Those that end before a time, the oldest first. */
    expired: prepare<SeriesName & { before: number; most: number }, { id: number; count: number }>(
      connection,
      (db, p) =>
        db
          .selectFrom('chunk')
          .select(['id', 'count'])
          .where('device', '=', p.device)
          .where('tag', '=', p.tag)
          .where('aspect', '=', p.aspect)
          .where('to_ms', '<', p.before)
          .orderBy('to_ms')
          .limit(p.most),
    ),
    removeDelivery: prepare<{ id: number; mergedBelow: number }>(connection, (db, p) =>
      db.deleteFrom('delivery').where('id', '=', p.id).where('merged_below', '=', p.mergedBelow),
    ),
    setMergedBelow: prepare<{ id: number; mergedBelow: number; next: number }>(connection, (db, p) =>
      db
        .updateTable('delivery')
        .set({ merged_below: p.next })
        .where('id', '=', p.id)
        .where('merged_below', '=', p.mergedBelow),
    ),
    /** Of the last checkpoint, what is no longer there does not count. */
    countExpired: prepare<SeriesName & { readings: number }>(connection, (db, p) =>
      db
        .updateTable('series')
        .set((eb) => ({ count: eb('count', '-', p.readings) }))
        .where('device', '=', p.device)
        .where('tag', '=', p.tag)
        .where('aspect', '=', p.aspect),
    ),
    addExpired: prepare<{ device: number; readings: number }>(connection, (db, p) =>
      db
        .updateTable('device')
        .set((eb) => ({ readings_expired: eb('readings_expired', '+', p.readings) }))
        .where('number', '=', p.device),
    ),
    epochOfName: prepare<{ device: number; epoch: string }, { number: number }>(connection, (db, p) =>
      db.selectFrom('epoch').select('number').where('device', '=', p.device).where('epoch', '=', p.epoch),
    ),
  };
}

/** The statements that look for chunks and open them. */
export function chunkLookups(connection: Connection) {
  const summary = [
    'chunk.id',
    'chunk.from_ms as from',
    'chunk.to_ms as to',
    'chunk.count',
    'chunk.numbers',
    'chunk.sum',
    'chunk.min',
    'chunk.max',
    'chunk.min_ms as minTime',
    'chunk.max_ms as maxTime',
    'chunk.first',
    'chunk.last',
    'chunk.bad_ms as badTime',
  ] as const;
  return {
    /** Those with readings between two times, both included, in the order of their first. */
    between: prepare<SeriesName & { from: number; to: number }, ChunkRow>(connection, (db, p) =>
      db
        .selectFrom('chunk')
        .select(summary)
        .where('device', '=', p.device)
        .where('tag', '=', p.tag)
        .where('aspect', '=', p.aspect)
        .where('to_ms', '>=', p.from)
        .where('from_ms', '<=', p.to)
        .orderBy('from_ms')
        .orderBy('id'),
    ),
    /** The same, their ids and first times alone: the `most` that begin first. */
    placed: prepare<SeriesName & { from: number; to: number; most: number }, { id: number; from: number }>(
      connection,
      (db, p) =>
        db
          .selectFrom('chunk')
          .select(['id', 'from_ms as from'])
          .where('device', '=', p.device)
          .where('tag', '=', p.tag)
          .where('aspect', '=', p.aspect)
          .where('to_ms', '>=', p.from)
          .where('from_ms', '<=', p.to)
          .orderBy('from_ms')
          .limit(p.most),
    ),
    /** Those of a series that more readings may be merged into. */
    open: prepare<SeriesName, ChunkRow>(connection, (db, p) =>
      db
        .selectFrom('chunk')
        .select(summary)
        .where('device', '=', p.device)
        .where('open', '=', 1)
        .where('tag', '=', p.tag)
        .where('aspect', '=', p.aspect)
        .orderBy('id'),
    ),
    /** Those that hold readings of an epoch, by its row number. */
    ofEpoch: prepare<{ epoch: number }, { id: number; tag: number; aspect: Aspect }>(connection, (db, p) =>
      db
        .selectFrom('chunk_epoch')
        .innerJoin('chunk', 'chunk.id', 'chunk_epoch.chunk')
        .select(['chunk.id', 'chunk.tag', 'chunk.aspect'])
        .where('chunk_epoch.epoch', '=', p.epoch)
        .orderBy('chunk.id'),
    ),
    /** All there are, after the one of this id. */
    after: prepare<{ id: number; most: number }, { id: number; device: number; tag: number; aspect: Aspect }>(
      connection,
      (db, p) =>
        db
          .selectFrom('chunk')
          .select(['id', 'device', 'tag', 'aspect'])
          .where('id', '>', p.id)
          .orderBy('id')
          .limit(p.most),
    ),
    plot: prepare<{ chunk: number }, { plot: Uint8Array }>(connection, (db, p) =>
      db.selectFrom('chunk_body').select('plot').where('chunk', '=', p.chunk),
    ),
    rest: prepare<{ chunk: number }, { rest: Uint8Array }>(connection, (db, p) =>
      db.selectFrom('chunk_body').select('rest').where('chunk', '=', p.chunk),
    ),
  };
}
