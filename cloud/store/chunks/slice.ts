import { type Aspect, aspects, type Batch } from '@loadline/sdk/telemetry';
import { type Connection, prepare, usedBytes } from '../database.ts';
import { deliveryReads } from '../deliveries.ts';
import { seriesKey } from '../series-index.ts';
import { encodeChunk } from './codec.ts';
import { ChunkError } from './error.ts';
import { Gatherer, type ResolvedDelivery } from './gather.ts';
import { absorbed, cutRows, isFull } from './lots.ts';
import { chunkReads } from './open.ts';
import { firstFrom, type Readings, type SeriesName } from './readings.ts';
import { chunkStatements } from './statements.ts';
import { summarise } from './summary.ts';
import type { ChunkCut, MergeWrite, NewChunk } from './writes.ts';

/** How much one slice takes at most. */
export interface SliceSize {
  readonly deliveries: number;
  readonly readings: number;
  /** Series: of a delivery of very many, some are merged by one slice and some by the next. */
  readonly series: number;
}

/** What readings take in the store. */
export interface Storage {
  readonly chunks: number;
  /** Readings in them. */
  readonly readings: number;
  readonly bodyBytes: number;
  /** All that the database holds: indices, ledgers, what is not merged yet and people included. */
  readonly usedBytes: number;
}

/** What a device has that could be merged. */
export interface Tail {
  readonly device: number;
  readonly deliveries: number;
  /** Entries in them. */
  readonly entries: number;
  /** When the first of them was written, ms since 1970. */
  readonly oldest: number;
}

/**
 * What the merging thread asks. A delivery can be merged once its times are known and the checkpoint of the live index
 * covers it: a start counts the deliveries behind the checkpoint, and must find them.
 */
export function mergeReads(connection: Connection) {
  const deliveries = deliveryReads(connection);
  const chunks = chunkReads(connection);
  const { epochOfName, expired } = chunkStatements(connection);
  const tails = prepare<Record<never, never>, Tail>(connection, (db) =>
    db
      .selectFrom('delivery')
      .select((eb) => [
        'device',
        eb.fn.countAll<number>().as('deliveries'),
        eb.fn.sum<number>('count').as('entries'),
        eb.fn.min('written_ms').as('oldest'),
      ])
      .where('from_ms', 'is not', null)
      .groupBy('device'),
  );
  const sizes = prepare<Record<never, never>, { bodies: number | null }>(connection, (db) =>
    db
      .selectFrom('chunk_body')
      .select((eb) =>
        eb.fn
          .sum<number>(eb(eb.fn<number>('length', ['plot']), '+', eb.fn<number>('length', ['rest'])))
          .as('bodies'),
      ),
  );
  const merged = prepare<Record<never, never>, { chunks: number; readings: number | null }>(
    connection,
    (db) =>
      db
        .selectFrom('chunk')
        .select((eb) => [eb.fn.countAll<number>().as('chunks'), eb.fn.sum<number>('count').as('readings')]),
  );
  const due = prepare<{ device: number; most: number }, { id: number }>(connection, (db, p) =>
    db
      .selectFrom('delivery')
      .select('id')
      .where('device', '=', p.device)
      .where('from_ms', 'is not', null)
      .where('id', '<=', (eb) => eb.selectFrom('checkpoint').select('through'))
      .where((eb) =>
        eb.not(
          eb.exists(
            eb.selectFrom('resolved_boot').select('boot').where('resolved_boot.device', '=', p.device),
          ),
        ),
      )
      .orderBy('from_ms')
      .limit(p.most),
  );

  function take(device: number, size: SliceSize): ResolvedDelivery[] {
    const taken: ResolvedDelivery[] = [];
    let readings = 0;
    for (const { id } of due.all({ device, most: size.deliveries })) {
      const delivery = deliveries.one(id) as ResolvedDelivery;
      readings += rowsOf(delivery.batch);
      if (taken.length > 0 && readings > size.readings) break;
      taken.push(delivery);
    }
    return taken;
  }

  function merge(device: number, key: number, gathered: Readings): { replaced: number[]; added: NewChunk[] } {
    const { tag, aspect } = seriesOf(key);
    const replaced: number[] = [];
    const added: NewChunk[] = [];
    for (const [start, end] of cutRows(gathered)) {
      const lot = {
        from: gathered.times[start] as number,
        to: gathered.times[end - 1] as number,
        count: end - start,
      };
      const open = chunks.open.all({ device, tag, aspect }).filter(({ id }) => !replaced.includes(id));
      const more = absorbed(lot, open);
      const gatherer = new Gatherer(more.reduce((sum, { count }) => sum + count, lot.count));
      for (const { id } of more) {
        try {
          gatherer.addReadings(chunks.whole(id));
          replaced.push(id);
        } catch (error) {
          // One that cannot be read stays as it is, for whoever asks for it to hear so: the rest is merged without it.
          if (!(error instanceof ChunkError)) throw error;
        }
      }
      gatherer.addReadings(gathered, start, end);
      const readings = gatherer.inOrder();
      for (const [first, last] of cutRows(readings))
        added.push(chunkOf(device, { tag, aspect }, part(readings, first, last)));
    }
    return { replaced, added };
  }

  function chunkOf(device: number, series: { tag: number; aspect: Aspect }, readings: Readings): NewChunk {
    const counts = new Uint32Array(readings.epochs.length);
    for (const index of readings.epoch) counts[index] = (counts[index] as number) + 1;
    const epochs = readings.epochs.map((name, index) => {
      const epoch = epochOfName.first({ device, epoch: name })?.number;
      if (epoch === undefined) throw new Error(`epoch ${name} of device ${device} is not known`);
      return { epoch, count: counts[index] as number };
    });
    return {
      ...series,
      summary: summarise(readings),
      open: !isFull(readings),
      epochs,
      ...encodeChunk(readings),
    };
  }

  return {
    /**
     * What of a series is to be written so that readings from before `before` expire: of chunks that begin before `old` and
     * go on after `before` what is left of them; and whether there are `whole` ones that end before it.
     */
    expirable({ device, tag, aspect, before, old }: SeriesName & { before: number; old: number }): {
      cuts: ChunkCut[];
      whole: boolean;
    } {
      const rows = chunks.between.all({ device, tag, aspect, from: before, to: before });
      const whole = expired.first({ device, tag, aspect, before, most: 1 }) !== undefined;
      const cuts = rows
        .filter((row) => row.from < old)
        .map(({ id }) => {
          const readings = chunks.whole(id);
          const first = firstFrom(readings.times, before);
          const left = chunkOf(device, { tag, aspect }, part(readings, first, readings.count));
          return { chunk: id, expired: first, left };
        });
      return { cuts, whole };
    },

    /** What each device has that stands in no chunk yet; some of it may have to wait. */
    tails(_: Record<never, never>): Tail[] {
      return tails.all({});
    },

    /** What is stored as chunks, and what it takes: bytes of bodies, and of all that is in the database. */
    storage(_: Record<never, never>): Storage {
      const { chunks: count = 0, readings } = merged.first({}) ?? {};
      const bodies = sizes.first({})?.bodies ?? 0;
      return { chunks: count, readings: readings ?? 0, bodyBytes: bodies, usedBytes: usedBytes(connection) };
    },

    /** The next slice of a device's deliveries, in the order of their times; undefined where nothing can be merged. */
    mergeSlice({ device, size }: { device: number; size: SliceSize }): MergeWrite | undefined {
      const taken = take(device, size);
      if (taken.length === 0) return undefined;
      const rows = new Map<number, number>();
      for (const { batch } of taken) {
        for (const { tag, aspect, start, end } of batch.series) {
          const key = seriesKey(tag, aspect);
          rows.set(key, (rows.get(key) ?? 0) + end - start);
        }
      }
      const sorted = [...rows.keys()].sort((a, b) => a - b);
      const behind = sorted[size.series];
      const gatherers = new Map<number, Gatherer>();
      for (const delivery of taken) {
        for (const series of delivery.batch.series) {
          const key = seriesKey(series.tag, series.aspect);
          if (behind !== undefined && key >= behind) continue;
          const gatherer = gatherers.get(key) ?? new Gatherer(rows.get(key));
          gatherers.set(key, gatherer);
          gatherer.addSeries(delivery, series);
        }
      }
      const slices = [...gatherers].map(([key, gatherer]) => merge(device, key, gatherer.inOrder()));
      return {
        kind: 'merge',
        device,
        deliveries: taken.map(({ id, mergedBelow, batch }) => ({
          id,
          mergedBelow,
          next: leftIn(batch, behind) ? Math.max(mergedBelow, behind as number) : null,
        })),
        replaced: slices.flatMap(({ replaced }) => replaced),
        added: slices.flatMap(({ added }) => added),
      };
    },
  };
}

function rowsOf(batch: Batch): number {
  return batch.series.reduce((rows, { start, end }) => rows + end - start, 0);
}

/** Whether a series of the batch is left for the next slice. */
function leftIn(batch: Batch, behind: number | undefined): boolean {
  return behind !== undefined && batch.series.some(({ tag, aspect }) => seriesKey(tag, aspect) >= behind);
}

function seriesOf(key: number): { tag: number; aspect: Aspect } {
  return { tag: Math.floor(key / aspects.length), aspect: aspects[key % aspects.length] as Aspect };
}

function part(readings: Readings, start: number, end: number): Readings {
  if (start === 0 && end === readings.count) return readings;
  const gatherer = new Gatherer(end - start);
  gatherer.addReadings(readings, start, end);
  return gatherer.inOrder();
}
