import type { SeriesOfTag } from '@loadline/sdk/telemetry';
import type { Readings } from '../store/index.ts';
import { csvLine } from './csv-line.ts';
import { type Row, rowsOf } from './rows.ts';

const columns = [
  'time',
  'arrival',
  'value',
  'text',
  'raw',
  'gain',
  'offset',
  'batteryLow',
  'error',
  'status',
  'quality',
  'port',
  'base',
  'epoch',
  'number',
] as const satisfies readonly (keyof Row)[];

/** A series as CSV, a piece for each page; times are ISO 8601 in UTC. */
export async function* csvOf(
  pages: AsyncIterable<Readings>,
  series: SeriesOfTag,
): AsyncGenerator<string, undefined> {
  yield csvLine(columns);
  for await (const page of pages) {
    const lines: string[] = [];
    for (const row of rowsOf(page, series)) {
      const times = { time: new Date(row.time).toISOString(), arrival: new Date(row.arrival).toISOString() };
      const shown = { ...row, ...times };
      lines.push(csvLine(columns.map((column) => shown[column])));
    }
    yield lines.join('');
  }
  return undefined;
}
