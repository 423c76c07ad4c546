import { exportTypes } from '@loadline/sdk/api';
import { type SeriesOfTag, seriesName } from '@loadline/sdk/telemetry';
import { reachesDevice, reachesTag, type Standing } from '../../../access/index.ts';
import { csvOf, parquetOf, senmlOf } from '../../../export/index.ts';
import type { Device } from '../../../router/index.ts';
import type { Readings, Store } from '../../../store/index.ts';
import type { Handlers } from '../call.ts';
import { Problem } from '../problem.ts';
import { sendFile } from '../send-file.ts';
import { seriesOf } from './series-named.ts';

/** What a file is saved as, by its form. */
const endings = { csv: 'csv', senml: 'senml.json', 'senml-cbor': 'senml.cbor', parquet: 'parquet' } as const;

type Form = keyof typeof exportTypes;

/** Whole series, as files. They are read a page at a time: no long read holds the log of the database back. */
export function exportHandlers({ store }: { store: Store }): Pick<Handlers, 'exportReadings'> {
  return {
    async exportReadings({ input, device, visit, again }) {
      const { form } = input.query;
      const [from, to] = [Date.parse(input.query.from), Date.parse(input.query.to)];
      if (from > to) throw new Problem(400, 'request-invalid', 'querystring/from: lies after to');
      const series = seriesOf(device, input.series);
      const pages = store.readings({ device: device.number, ...series, from, to });
      // What people know it by; a name of a series may have characters in it that no file's may.
      const called = device.channels.numbered(series.tag)?.name ?? seriesName(series);
      const name = `${device.id}-${called.replace(/[:/]/g, '-')}.${endings[form]}`;
      const pieces = piecesOf(form, pages, device, series);
      await sendFile(visit, { type: exportTypes[form], name, pieces }, async () =>
        sees(await again(), device, series),
      );
      return undefined;
    },
  };
}

/** Whether somebody who saw the series still does. */
function sees(standing: Standing | undefined, device: Device, { tag }: SeriesOfTag): boolean {
  if (standing === undefined || standing.withheld !== null || !standing.scopes.has('readings.get'))
    return false;
  return reachesDevice(standing.reach, device) && reachesTag(standing.reach, tag);
}

function piecesOf(
  form: Form,
  pages: AsyncIterable<Readings>,
  { id, channels, reported }: Device,
  series: SeriesOfTag,
): AsyncIterator<string | Uint8Array> {
  switch (form) {
    case 'csv':
      return csvOf(pages, series);
    case 'parquet':
      return parquetOf(pages, series);
    case 'senml':
    case 'senml-cbor': {
      const channel = channels.numbered(series.tag);
      const sensor = reported?.sensors.find(({ tag }) => tag === series.tag);
      const name = `${id}:${channel?.name ?? seriesName(series)}`;
      return senmlOf(pages, series, { form, name, unit: channel?.unit ?? sensor?.unit ?? undefined });
    }
  }
}
