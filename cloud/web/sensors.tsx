// biome-ignore-all lint/a11y/noRedundantRoles: CSS `display`, which makes cards of rows, takes the native roles away.
import type { Latest, Quality, Series, Value } from './api.ts';
import { formatAge, formatCount, formatValue, isStale, NOTHING } from './format.ts';
import { seriesKey, seriesTitle } from './latest.ts';

interface Props {
  readonly list: readonly Series[];
  /** Whether sensors have tags that people know: those of radio have, those of software are known by their names alone. */
  readonly hasTags: boolean;
  /** Keys of the series that are plotted. */
  readonly selection: readonly string[];
  readonly onChoose: (key: string, isChosen: boolean) => void;
  /** Milliseconds since 1970, by the cloud's clock. */
  readonly now: number;
}

/** The sensors of a gateway: a table, which becomes cards where it is narrow (hence the roles). */
export function Sensors({ list, hasTags, selection, onChoose, now }: Props) {
  if (list.length === 0) return <p class="muted">No readings yet.</p>;
  return (
    <table class="sensors" role="table" aria-label="Sensors">
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col">
            Sensor
          </th>
          <th role="columnheader" scope="col" class="number">
            Latest value
          </th>
          <th role="columnheader" scope="col">
            Age
          </th>
          <th role="columnheader" scope="col">
            Signal
          </th>
          <th role="columnheader" scope="col" class="number">
            Readings
          </th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {list.map((series) => (
          <SensorRow
            key={seriesKey(series)}
            series={series}
            hasTags={hasTags}
            isChosen={selection.includes(seriesKey(series))}
            onChoose={onChoose}
            now={now}
          />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps {
  readonly series: Series;
  readonly hasTags: boolean;
  readonly isChosen: boolean;
  readonly onChoose: Props['onChoose'];
  readonly now: number;
}

function SensorRow({ series, hasTags, isChosen, onChoose, now }: RowProps) {
  const { tag, name, aspect, unit, latest, simulated, intervalSeconds, count } = series;
  const key = seriesKey(series);
  const age = latest === null ? null : now - Date.parse(latest.time);
  const stale = age !== null && isStale(age, intervalSeconds);
  return (
    <tr role="row" class={`${isChosen ? 'is-chosen' : ''} ${stale ? 'is-stale' : ''}`}>
      <th role="rowheader" scope="row" class="sensor">
        <label>
          <input
            type="checkbox"
            checked={isChosen}
            onChange={(event) => onChoose(key, event.currentTarget.checked)}
          />
          <span>
            <span class="sensor-name">{seriesTitle(series)}</span>{' '}
            {hasTags && name !== null && <span class="tag">{tag}</span>}{' '}
            {aspect === 'derived' && <span class="badge">derived</span>}{' '}
            {simulated && <span class="badge">SIMULATED</span>}{' '}
            {latest?.error && <span class="badge is-bad">error</span>}{' '}
            {latest?.batteryLow && <span class="badge is-warning">battery low</span>}
          </span>
        </label>
      </th>
      <td role="cell" class="value number" title={latest === null ? undefined : inFull(latest)}>
        {latest === null ? NOTHING : formatValue(latest.value)}
        <span class="unit">{unit ?? ''}</span>
      </td>
      <td role="cell" class="age">
        {age === null ? 'no reading' : formatAge(age)} {stale && <span class="badge is-warning">stale</span>}
      </td>
      <td role="cell" class="signal">
        <Signal quality={latest?.quality ?? { kind: 'none' }} />
      </td>
      <td role="cell" class="count number">
        {formatCount(count)}
      </td>
    </tr>
  );
}

function Signal({ quality }: { readonly quality: Quality }) {
  if (quality.kind === 'none') return <span class="muted">{NOTHING}</span>;
  const { percent } = quality;
  const title =
    quality.kind === 'radio'
      ? `${quality.rssiDecibels} dB, correlation ${quality.correlation}`
      : 'link quality';
  return (
    <span class="meter" title={title}>
      <svg viewBox="0 0 40 6" width="40" height="6" aria-hidden="true">
        <rect class="meter-back" width="40" height="6" rx="3" />
        <rect
          class={percent < 30 ? 'meter-fill is-weak' : 'meter-fill'}
          width={(Math.min(Math.max(percent, 0), 100) * 40) / 100}
          height="6"
          rx="3"
        />
      </svg>
      {Math.round(percent)} %
    </span>
  );
}

/** All there is to know of the newest reading, for whoever points at it. */
function inFull({ time, value, calibrated, status }: Latest): string {
  const made =
    calibrated === null
      ? ''
      : `, made of ${exact(calibrated.raw)} × ${calibrated.gain} + ${calibrated.offset}`;
  return `${exact(value)}${made}, status ${status}, ${time}`;
}

function exact(value: Value): string {
  const figures = value.type === 'none' ? 'no value' : value.type === 'nonFinite' ? value.bits : value.value;
  return `${figures} (${value.type})`;
}
