import type { Connection } from '../database.ts';
import { deliveryReads } from '../deliveries.ts';
import { Downsampler } from '../downsample.ts';
import { Gatherer, type ResolvedDelivery } from './gather.ts';
import { chunkReads } from './open.ts';
import type { SeriesSpan } from './pages.ts';
import { firstFrom, type Place, physicalAt, placeAt, type Readings } from './readings.ts';
import type { ChunkRow } from './statements.ts';

/** A down-sampled range of a series: [ms since 1970, physical value], null where a reading was not a number. */
export interface SeriesRange {
  readonly points: readonly (readonly [time: number, value: number | null])[];
  /** Readings in the range before down-sampling. */
  readonly count: number;
}

/** Ranges of a series for a plot: summaries first, then only the chunks that are needed, then what is not merged yet. */
export function plotReads(connection: Connection) {
  const deliveries = deliveryReads(connection);
  const chunks = chunkReads(connection);

  function addChunk(sampler: Downsampler, row: ChunkRow, { from, to }: SeriesSpan): void {
    let opened: Readings | undefined;
    const whole = () => {
      opened ??= chunks.whole(row.id);
      return opened;
    };
    const isWithin = row.from >= from && row.to <= to;
    if (isWithin && sampler.addSummary(row, (time, value) => placeOf(whole(), time, value))) return;
    const plot = chunks.plot(row.id);
    const start = isWithin ? 0 : firstFrom(plot.times, from);
    const end = isWithin ? plot.count : firstFrom(plot.times, to + 1);
    sampler.addPlot(plot, { start, end }, (at) => placeAt(whole(), at));
  }

  return {
    /** Readings of one series between two times, thinned to about `points`. */
    range(query: SeriesSpan & { readonly points: number }): SeriesRange {
      const { device, tag, aspect, from, to, points } = query;
      const sampler = new Downsampler(from, to, points);
      const rows = chunks.between.all({ device, tag, aspect, from, to });
      const certain = rows.filter((row) => row.from >= from && row.to <= to);
      sampler.expect(certain.reduce((sum, { count }) => sum + count, 0));
      for (const row of rows) addChunk(sampler, row, query);
      const tail = new Gatherer();
      for (const delivery of deliveries.between(device, from, to)) {
        for (const series of delivery.batch.series) {
          if (series.tag !== tag || series.aspect !== aspect) continue;
          tail.addSeries(delivery as ResolvedDelivery, series, query);
        }
      }
      const readings = tail.inOrder();
      sampler.addPlot(readings, { start: 0, end: readings.count }, (at) => placeAt(readings, at));
      return { points: sampler.result().map(({ time, value }) => [time, value]), count: sampler.count };
    },
  };
}

/** The place of the first reading of this time and value. */
function placeOf(readings: Readings, time: number, value: number | null): Place {
  let row = firstFrom(readings.times, time);
  while (row < readings.count - 1 && physicalAt(readings, row) !== value) row++;
  return placeAt(readings, row);
}
