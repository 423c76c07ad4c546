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

/** Forms of a download; the cloud says what its file is called. */
const forms = [
  { form: 'csv', title: 'CSV' },
  { form: 'senml', title: 'SenML' },
  { form: 'parquet', title: 'Parquet' },
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
            <span class="muted">Download {seriesTitle(one)}:</span>
            {forms.map(({ form, title }) => (
              <a
                key={form}
                href={addressOf(
                  routes.exportReadings[1],
                  { organisation, device: one.device, series: seriesId(one) },
                  { ...range, form },
                )}
                download
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
