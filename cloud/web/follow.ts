import type { Api, Series } from './api.ts';
import { seriesId, seriesKey } from './latest.ts';
import type { Live } from './live.ts';
import {
  type Asked,
  abandonReload,
  addLive,
  beginReload,
  emptyWindow,
  finishReload,
  type SeriesWindow,
} from './series-window.ts';

/** Points asked for of a series: more than a screen has columns. */
const POINTS = 1_000;

/** Points of a series past which the range is loaded anew, so that the cloud thins it and the page stays quick. */
const MOST_POINTS = 5_000;

/** Milliseconds past our own time that are asked for: readings are dated by their gateway's clock. */
const AHEAD = 5_000;

/** Milliseconds until a load that failed is tried again. */
const RETRY = 3_000;

/** Milliseconds between two loads of a range that is not followed. */
const PERIOD = 5_000;

interface Following {
  readonly api: Api;
  readonly organisation: string;
  readonly live: Live | undefined;
  readonly series: readonly Series[];
  readonly span: number;
  readonly onFailing: (isFailing: boolean) => void;
  readonly onChange: (windows: readonly SeriesWindow[]) => void;
}

/** Loads the range of each series, keeps it up with the live stream, and loads it again after each reconnection. */
export function follow({ api, organisation, live, series, span, onFailing, onChange }: Following): {
  end(): void;
} {
  const windows = series.map(() => emptyWindow);
  const places = new Map(series.map((one, place) => [seriesKey(one), place]));
  const windowAt = (place: number): SeriesWindow => windows[place] ?? emptyWindow;
  let loading = new AbortController();
  let retry: ReturnType<typeof setTimeout> | undefined;

  const load = async (): Promise<void> => {
    clearTimeout(retry);
    loading.abort();
    loading = new AbortController();
    const { signal } = loading;
    const asked: Asked = { from: api.now() - span, to: api.now() + AHEAD, points: POINTS };
    const loadOne = async (one: Series, place: number): Promise<boolean> => {
      windows[place] = beginReload(windowAt(place));
      try {
        const answer = await readingsOf({ api, organisation }, one, asked, signal);
        if (signal.aborted) return true;
        windows[place] = finishReload(windowAt(place), asked, answer);
        onChange(windows);
        return true;
      } catch {
        if (!signal.aborted) windows[place] = abandonReload(windowAt(place));
        return false;
      }
    };
    const succeeded = await Promise.all(series.map(loadOne));
    if (signal.aborted) return;
    const isFailing = succeeded.includes(false);
    onFailing(isFailing);
    if (isFailing) retry = setTimeout(() => void load(), RETRY);
  };

  const repeating = live === undefined ? setInterval(() => void load(), PERIOD) : undefined;
  const unsubscribe = live?.subscribe((event) => {
    if (event.kind === 'opened') void load();
    if (event.kind !== 'readings') return;
    for (const one of event.series) {
      const place = places.get(seriesKey(one));
      if (place === undefined) continue;
      const window = addLive(windowAt(place), one.points, api.now() - span);
      windows[place] = window;
      const isPartial = (one.skipped ?? 0) > 0 || window.points.length > MOST_POINTS;
      if (isPartial && window.sinceAsked === null) void load();
    }
    onChange(windows);
  });
  void load();
  return {
    end() {
      unsubscribe?.();
      clearInterval(repeating);
      clearTimeout(retry);
      loading.abort();
      onFailing(false);
    },
  };
}

/** Readings of a series in a range of time, thinned to about as many points as were asked for. */
function readingsOf(
  { api, organisation }: Pick<Following, 'api' | 'organisation'>,
  series: Series,
  { from, to, points }: Asked,
  signal: AbortSignal,
) {
  const query = { from: new Date(from).toISOString(), to: new Date(to).toISOString(), points };
  return api.call(
    'getReadings',
    { organisation, device: series.device, series: seriesId(series), query },
    signal,
  );
}
