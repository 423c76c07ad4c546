import type { Series, Value } from './api.ts';
import type { LivePoints } from './live.ts';

/** What tells a series from every other. */
export function seriesKey({ device, tag, aspect }: Pick<Series, 'device' | 'tag' | 'aspect'>): string {
  return `${device}/${tag}/${aspect}`;
}

/** What the API calls a series, among those of its device. */
export function seriesId({ tag, aspect }: Pick<Series, 'tag' | 'aspect'>): string {
  return aspect === 'heard' ? tag : `${tag}.${aspect}`;
}

/** What people call a series: its sensor's name, or its tag, and what of a window it is. */
export function seriesTitle({ name, tag, aspect }: Pick<Series, 'name' | 'tag' | 'aspect'>): string {
  const sensor = name ?? tag;
  switch (aspect) {
    case 'heard':
    case 'derived':
      return sensor;
    case 'mean':
    case 'min':
    case 'max':
      return `${sensor} (${aspect})`;
  }
}

/**
 * The list of series with newer values from the live stream. That carries numbers only: flags and radio quality
 * stay as they were until the list is loaded again, and so does a value that is no number.
 */
export function withLive(list: readonly Series[], live: readonly LivePoints[]): readonly Series[] {
  const arrived = new Map(live.map((one) => [seriesKey(one), one.points]));
  return list.map((series) => {
    const latest = series.latest;
    const points = arrived.get(seriesKey(series));
    if (latest === null || points === undefined) return series;
    let newest: readonly [number, number] | undefined;
    for (const [time, value] of points) {
      if (value !== null && (newest === undefined || time >= newest[0])) newest = [time, value];
    }
    if (newest === undefined || newest[0] < Date.parse(latest.time)) return series;
    const [time, value] = newest;
    return {
      ...series,
      latest: {
        ...latest,
        time: new Date(time).toISOString(),
        value: likeBefore(latest.value, value),
        // The stream tells the physical value only.
        calibrated: null,
      },
    };
  });
}

/** A loaded list, in which no series falls behind what the live stream has already shown. */
export function withLoaded(shown: readonly Series[], loaded: readonly Series[]): readonly Series[] {
  const before = new Map(shown.map((series) => [seriesKey(series), series.latest]));
  return loaded.map((series) => {
    const known = before.get(seriesKey(series));
    const { latest } = series;
    if (known == null || latest === null || Date.parse(known.time) <= Date.parse(latest.time)) return series;
    const { time, value, calibrated } = known;
    return { ...series, latest: { ...latest, time, value, calibrated } };
  });
}

/** Whether the live stream tells of a series that the list lacks, or that had no reading. */
export function hasUnknown(list: readonly Series[], live: readonly LivePoints[]): boolean {
  const known = new Set(list.filter(({ latest }) => latest !== null).map(seriesKey));
  return live.some((one) => !known.has(seriesKey(one)));
}

/** In order of device, then name (tag where there is none), numbers within names by their size. */
export function inOrder(list: readonly Series[]): readonly Series[] {
  const order = new Intl.Collator('en', { numeric: true });
  return [...list].sort(
    (a, b) =>
      order.compare(a.device, b.device) ||
      order.compare(a.name ?? a.tag, b.name ?? b.tag) ||
      order.compare(seriesTitle(a), seriesTitle(b)),
  );
}

/** Whether a value can be plotted. */
export function isNumber(value: Value): boolean {
  switch (value.type) {
    case 'uint8':
    case 'uint16':
    case 'int32':
    case 'float32':
    case 'float64':
      return true;
    case 'none':
    case 'nonFinite':
    case 'string':
    case 'binary':
      return false;
  }
}

/** The stream does not say the type: that of the last value holds, if it can. */
function likeBefore(before: Value, value: number): Value {
  switch (before.type) {
    case 'uint8':
    case 'uint16':
    case 'int32':
      return Number.isInteger(value) ? { type: before.type, value } : { type: 'float64', value };
    case 'float32':
      return { type: 'float32', value };
    case 'float64':
    case 'none':
    case 'nonFinite':
    case 'string':
    case 'binary':
      return { type: 'float64', value };
  }
}
