import {
  type Batch,
  type BatchSeries,
  decodeBatch,
  type NumberRange,
  numberedFrom,
} from '@loadline/sdk/telemetry';
import { type Connection, prepare } from './database.ts';
import { rangesFromJson } from './number-set.ts';
import { seriesKey } from './series-index.ts';
import type { Timeline } from './timeline.ts';

/** A delivery as it stands in the store, decoded. */
export interface StoredDelivery {
  readonly id: number;
  readonly device: number;
  /** Without the series that are in chunks already. */
  readonly batch: Batch;
  /** Those below this key (`seriesKey`). */
  readonly mergedBelow: number;
  readonly fresh: readonly NumberRange[];
  /** Undefined while its boot has no anchor. */
  readonly timeline: Timeline | undefined;
  /** Milliseconds since 1970, when its row was written. */
  readonly writtenMs: number;
}

interface Row {
  id: number;
  device: number;
  first: number;
  count: number;
  fresh: string | null;
  timeline: string | null;
  written_ms: number;
  merged_below: number;
  body: Uint8Array;
}

const columns = [
  'id',
  'device',
  'first',
  'count',
  'fresh',
  'timeline',
  'written_ms',
  'merged_below',
  'body',
] as const;

function decode(row: Row): StoredDelivery {
  const points = row.timeline === null ? undefined : (JSON.parse(row.timeline) as [number, number][]);
  const batch = numberedFrom(decodeBatch(row.body), row.first);
  const unmerged = ({ tag, aspect }: BatchSeries) => seriesKey(tag, aspect) >= row.merged_below;
  return {
    id: row.id,
    device: row.device,
    batch: row.merged_below === 0 ? batch : { ...batch, series: batch.series.filter(unmerged) },
    mergedBelow: row.merged_below,
    fresh:
      row.fresh === null
        ? [{ first: row.first, last: row.first + row.count - 1 }]
        : rangesFromJson(row.fresh),
    timeline: points?.map(([monotonic, wall]) => ({ monotonic, wall })),
    writtenMs: row.written_ms,
  };
}

/** The ways deliveries are looked up: each yields them one at a time, so that a long range needs little memory. */
export function deliveryReads(connection: Connection) {
  const between = prepare<{ device: number; from: number; to: number }, Row>(connection, (db, p) =>
    db
      .selectFrom('delivery')
      .select(columns)
      .where('device', '=', p.device)
      .where('from_ms', '<=', p.to)
      .where('to_ms', '>=', p.from)
      .orderBy('from_ms'),
  );
  const after = prepare<{ id: number }, Row>(connection, (db, p) =>
    db.selectFrom('delivery').select(columns).where('id', '>', p.id).orderBy('id'),
  );
  const ofEpoch = prepare<{ epoch: number }, Row>(connection, (db, p) =>
    db.selectFrom('delivery').select(columns).where('epoch', '=', p.epoch).orderBy('first'),
  );
  const one = prepare<{ id: number }, Row>(connection, (db, p) =>
    db.selectFrom('delivery').select(columns).where('id', '=', p.id),
  );
  const placed = prepare<
    { device: number; from: number; to: number; limit: number },
    { id: number; from_ms: number }
  >(connection, (db, p) =>
    db
      .selectFrom('delivery')
      .select(['id', 'from_ms'])
      .where('device', '=', p.device)
      .where('from_ms', '<=', p.to)
      .where('to_ms', '>=', p.from)
      .orderBy('from_ms')
      .limit(p.limit)
      .$castTo<{ id: number; from_ms: number }>(),
  );
  function* decoded(rows: Iterable<Row>): Generator<StoredDelivery> {
    for (const row of rows) yield decode(row);
  }
  return {
    /** Deliveries of a device with readings between two times, ms since 1970, both included. */
    between: (device: number, from: number, to: number) => decoded(between.each({ device, from, to })),
    /** The same, their ids and earliest times alone: the `limit` that begin first. */
    placed: (range: { device: number; from: number; to: number; limit: number }) => placed.all(range),
    one(id: number): StoredDelivery | undefined {
      const row = one.first({ id });
      return row && decode(row);
    },
    /** All deliveries committed after the one of this id. */
    after: (id: number) => decoded(after.each({ id })),
    /** The deliveries of one epoch, by its row number, in the order of their numbers. */
    ofEpoch: (epoch: number) => decoded(ofEpoch.each({ epoch })),
  };
}
