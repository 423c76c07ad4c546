import { useState } from 'preact/hooks';
import type { Api, Series } from './api.ts';
import { beginningOf, bucketName, newestFirst, type Unit } from './calendar-days.ts';
import { formatCount, formatFloat, NOTHING } from './format.ts';
import { seriesId, seriesKey, seriesTitle } from './latest.ts';
import { LoadingWords, useLoaded } from './parts/loaded.tsx';
import { Table } from './parts/table.tsx';

interface Props {
  readonly api: Api;
  readonly organisation: string;
  readonly series: readonly Series[];
}

const units = ['day', 'week', 'month'] as const satisfies readonly Unit[];

/** Least, mean and greatest of series by days, weeks or months of the browser's time zone. */
export function Calendar({ api, organisation, series }: Props) {
  const [unit, setUnit] = useState<Unit>('day');
  return (
    <div class="calendar">
      <fieldset class="ranges">
        <legend class="hidden">Each row is a</legend>
        {units.map((one) => (
          <label key={one}>
            <input type="radio" name="unit" checked={one === unit} onChange={() => setUnit(one)} />
            <span>{one}</span>
          </label>
        ))}
      </fieldset>
      {series.map((one) => (
        <OfSeries key={seriesKey(one)} api={api} organisation={organisation} series={one} unit={unit} />
      ))}
    </div>
  );
}

function OfSeries({
  api,
  organisation,
  series,
  unit,
}: Omit<Props, 'series'> & { readonly series: Series; readonly unit: Unit }) {
  const loaded = useLoaded(`${seriesKey(series)} ${unit}`, () =>
    api.call('getAggregates', {
      organisation,
      device: series.device,
      series: seriesId(series),
      query: {
        from: new Date(beginningOf(api.now(), unit)).toISOString(),
        to: new Date(api.now()).toISOString(),
        by: unit,
        zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      },
    }),
  );
  const buckets = newestFirst(loaded.value?.buckets ?? []);
  const title = seriesTitle(series);
  const number = (value: number | null): string => (value === null ? NOTHING : formatFloat(value));
  return (
    <section aria-label={title}>
      <h3>
        {title} <span class="unit">{series.unit}</span>
      </h3>
      <LoadingWords loaded={loaded} />
      {loaded.value !== undefined && buckets.length === 0 && <p class="muted">No readings in this time.</p>}
      {buckets.length > 0 && (
        <Table
          title={`${title} by ${unit}`}
          isNarrow
          items={buckets}
          idOf={({ from }) => from}
          columns={[
            { title: 'When', cell: (bucket) => bucketName(bucket, unit) },
            { title: 'Least', cell: ({ min }) => number(min) },
            { title: 'Mean', cell: ({ mean }) => number(mean) },
            { title: 'Greatest', cell: ({ max }) => number(max) },
            { title: 'Readings', cell: ({ count }) => formatCount(count) },
          ]}
        />
      )}
    </section>
  );
}
