import type { Connection } from '../database.ts';
import { deliveryReads } from '../deliveries.ts';
import { isAfter } from '../series-index.ts';
import { Gatherer, type ResolvedDelivery } from './gather.ts';
import { chunkReads } from './open.ts';
import { firstFrom, type Place, placeAt, type Readings, type SeriesName } from './readings.ts';

/** What is read of a series: all that lies between two times, ms since 1970, both included. */
export interface SeriesSpan extends SeriesName {
  readonly from: number;
  readonly to: number;
}

/** A part of a span: `after` a place, which is null for the first, and at most `limit` readings. */
export interface PageQuery extends SeriesSpan {
  readonly after: Place | null;
  readonly limit: number;
}

export interface Page {
  readonly readings: Readings;
  /** Where the next page begins; null where this was the last. */
  readonly next: Place | null;
}

/** Something that holds readings of the series, none of them before `from`. */
interface Source {
  readonly from: number;
  gather(into: Gatherer): void;
}

/** Readings of a page, where nobody says otherwise. */
export const pageReadings = 16_384;

interface Found {
  readonly sources: Source[];
  /** The time from which on there may be more. */
  readonly until: number;
}

/** Deliveries and chunks looked at for one page: what begins later waits for a later page. */
const deliveriesAtOnce = 4096;
const chunksAtOnce = 256;

/** Long reads, a page at a time: no transaction is open between two, and the log can be cut back. */
export function pageReads(connection: Connection) {
  const deliveries = deliveryReads(connection);
  const chunks = chunkReads(connection);

  function inDeliveries(query: PageQuery, from: number, most: number): Found {
    const { device, tag, aspect, to } = query;
    const placed = deliveries.placed({ device, from, to, limit: most });
    const sources = placed.map(
      ({ id, from_ms }): Source => ({
        from: from_ms,
        gather: (into) => {
          const delivery = deliveries.one(id);
          if (delivery?.timeline === undefined) return;
          for (const series of delivery.batch.series) {
            if (series.tag !== tag || series.aspect !== aspect) continue;
            into.addSeries(delivery as ResolvedDelivery, series, { from, to });
          }
        },
      }),
    );
    return { sources, until: endOf(sources, most) };
  }

  function inChunks({ device, tag, aspect, to }: PageQuery, from: number, most: number): Found {
    const sources = chunks.placed.all({ device, tag, aspect, from, to, most }).map(
      (row): Source => ({
        from: row.from,
        gather: (into) => {
          const readings = chunks.whole(row.id);
          into.addReadings(readings, firstFrom(readings.times, from), firstFrom(readings.times, to + 1));
        },
      }),
    );
    return { sources, until: endOf(sources, most) };
  }

  function page(query: PageQuery, more: number): Page | undefined {
    const { after, limit } = query;
    const from = Math.max(query.from, after?.time ?? query.from);
    const merged = inChunks(query, from, chunksAtOnce * more);
    const tail = inDeliveries(query, from, deliveriesAtOnce * more);
    const sources = [...merged.sources, ...tail.sources].sort((a, b) => a.from - b.from);
    const gatherer = new Gatherer();
    // What is before the next source's first is complete; where that is enough, the rest waits.
    let end = Math.min(merged.until, tail.until);
    for (const source of sources) {
      if (gatherer.count >= limit && gatherer.countBetween(after, source.from) >= limit) {
        end = Math.min(end, source.from);
        break;
      }
      source.gather(gatherer);
    }
    return cut(gatherer.inOrder(), query, end);
  }

  return {
    /** One page of a series in the order of its readings; see `Store.readings` for all of them. */
    readings(query: PageQuery): Page {
      for (let more = 1; ; more *= 2) {
        const found = page(query, more);
        // Nothing is complete where too many begin in one millisecond: then more are looked at together.
        if (found !== undefined) return found;
      }
    },
  };
}

/** Where as many were found as were asked for, there may be more from the last on. */
function endOf(sources: readonly Source[], most: number): number {
  return sources.length < most ? Number.POSITIVE_INFINITY : (sources.at(-1)?.from ?? 0);
}

/**
 * Those of the readings that are after the query's place and before `end`, the first `limit` of them. Undefined where
 * there is none, and yet more to come.
 */
function cut(readings: Readings, { after, limit, to }: PageQuery, end: number): Page | undefined {
  let first = 0;
  while (first < readings.count && after !== null && !isAfter(placeAt(readings, first), after)) first++;
  let last = first;
  while (last < readings.count && last - first < limit && (readings.times[last] as number) < end) last++;
  const isLast = last === readings.count && end > to;
  if (last === first && !isLast) return undefined;
  const taken = new Gatherer();
  taken.addReadings(readings, first, last);
  return { readings: taken.inOrder(), next: isLast ? null : placeAt(readings, last - 1) };
}
