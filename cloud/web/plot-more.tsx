import { useState } from 'preact/hooks';
import { addressOf } from './address.ts';
import type { Api, Series } from './api.ts';
import { seriesId, seriesKey, seriesTitle } from './latest.ts';
import { Lazy } from './parts/lazy.tsx';
import { routes } from './routes.ts';

interface Props {
  readonly api: Api;
  readonly organisation: string;
  /** What is plotted. */
  readonly series: readonly Series[];
  /** The range that is plotted, ms up to now. */
  readonly span: number;
}

/** Forms of a download, and how its name ends. */
const forms = [
  { form: 'csv', title: 'CSV', ending: 'csv' },
  { form: 'senml', title: 'SenML', ending: 'senml.json' },
  { form: 'parquet', title: 'Parquet', ending: 'parquet' },
] as const;

const loadCalendar = async () => (await import('./calendar.tsx')).Calendar;

/** Below a plot: its range to take along, and the same series by the calendar. */
export function PlotMore({ api, organisation, series, span }: Props) {
  const [isOpen, setIsOpen] = useState(false);
  const now = api.now();
  const range = { from: new Date(now - span).toISOString(), to: new Date(now).toISOString() };
  return (
    <div class="plot-more">
      <ul class="downloads" aria-label="Downloads of this range">
        {series.map((one) => (
          <li key={seriesKey(one)}>
            <span class="muted">{seriesTitle(one)} of this range:</span>
            {forms.map(({ form, title, ending }) => (
              <a
                key={form}
                href={addressOf(
                  routes.exportReadings[1],
                  { organisation, device: one.device, series: seriesId(one) },
                  { ...range, form },
                )}
                download={`${one.device}-${seriesId(one)}.${ending}`}
                aria-label={`${title} of ${seriesTitle(one)}`}
              >
                {title}
              </a>
            ))}
          </li>
        ))}
      </ul>
      <details onToggle={({ currentTarget }) => setIsOpen(currentTarget.open)}>
        <summary>By day, week or month</summary>
        {isOpen && <Lazy load={loadCalendar} props={{ api, organisation, series }} />}
      </details>
    </div>
  );
}
