import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import type { Api, Series } from './api.ts';
import { follow } from './follow.ts';
import { formatFloat, formatTimeOfDay, NOTHING } from './format.ts';
import { seriesKey, seriesTitle } from './latest.ts';
import type { Live } from './live.ts';
import { PlotMore } from './plot-more.tsx';
import { type SeriesWindow, toColumns } from './series-window.ts';

interface Props {
  readonly api: Api;
  readonly organisation: string;
  /** Undefined for who may not follow: then the range is loaded again and again. */
  readonly live: Live | undefined;
  /** What to plot: series of one unit. */
  readonly series: readonly Series[];
}

/** The ranges of time to choose from, in ms. */
const RANGES = [
  { name: '1 min', span: 60_000 },
  { name: '10 min', span: 600_000 },
  { name: '1 h', span: 3_600_000 },
  { name: '24 h', span: 86_400_000 },
] as const;

/** uPlot's join: a null takes in the places of other series' times beside it, or the line goes on into its gap. */
const EXPAND_NULLS = 2;

/** Colours of lines in `style.css`: --line-1 … --line-6. */
const COLOURS = 6;

/** A live plot of the chosen series over a sliding range of time. */
export function Plot({ api, organisation, live, series }: Props) {
  const [span, setSpan] = useState<number>(RANGES[1].span);
  const [isFailing, setIsFailing] = useState(false);
  const container = useRef<HTMLDivElement>(null);
  const unit = series[0]?.unit ?? '';
  const names = series.map(seriesTitle);
  const what = series
    .map((one) => `${seriesKey(one)} ${one.name} ${one.unit} ${one.intervalSeconds}`)
    .join('\n');

  // `series` is new with every reading; `what` changes when it does in a way that matters to a plot.
  useEffect(() => {
    if (container.current === null || series.length === 0) return;
    const drawing = draw(container.current, series, () => [api.now() - span, api.now()]);
    const following = follow({
      api,
      organisation,
      live,
      series,
      span,
      onFailing: setIsFailing,
      onChange: drawing.show,
    });
    return () => {
      following.end();
      drawing.end();
    };
  }, [api, organisation, live, what, span]);

  return (
    <section class="plot" aria-label="Plot">
      <div class="plot-heading">
        <h2>
          {series.length === 0 ? 'Choose sensors to plot' : names.join(' · ')}
          {unit !== '' && <span class="unit">{unit}</span>}
        </h2>
        <fieldset class="ranges">
          <legend class="hidden">Range of time</legend>
          {RANGES.map((range) => (
            <label key={range.span}>
              <input
                type="radio"
                name="range"
                checked={range.span === span}
                onChange={() => setSpan(range.span)}
              />
              <span>{range.name}</span>
            </label>
          ))}
        </fieldset>
      </div>
      <div
        class="plot-canvas"
        ref={container}
        role="img"
        aria-label={names.length === 0 ? 'Empty plot' : `Plot of ${names.join(', ')}`}
      />
      <p class="message" role="status">
        {isFailing ? 'The readings of this range could not be loaded. Trying again…' : ''}
      </p>
      {series.length > 0 && <PlotMore api={api} organisation={organisation} series={series} span={span} />}
    </section>
  );
}

/** Draws windows of `series` into `container`, at most once a frame, and slides on once a second without any. */
function draw(
  container: HTMLElement,
  series: readonly Series[],
  range: () => [number, number],
): { show(windows: readonly SeriesWindow[]): void; end(): void } {
  const colour = (name: string): string => getComputedStyle(container).getPropertyValue(name).trim();
  const axis = {
    stroke: () => colour('--muted'),
    grid: { stroke: () => colour('--line'), width: 1 },
    ticks: { show: false },
  };
  const plot = new uPlot(
    {
      ...sizeOf(container),
      ms: 1,
      padding: [8, 24, 0, 0],
      scales: { x: { time: true, range }, y: { range: paddedRange } },
      cursor: { drag: { x: false, y: false } },
      legend: { markers: { width: 0, fill: (_, index) => colour(`--line-${((index - 1) % COLOURS) + 1}`) } },
      axes: [
        {
          ...axis,
          space: 70,
          size: 32,
          values: (_, times, __, ___, step) => times.map((time) => formatTimeOfDay(time, step)),
        },
        {
          ...axis,
          size: widthOfLabels,
          values: (_, values, __, ___, step) => values.map((value) => labelOf(value, step)),
        },
      ],
      series: [
        { label: 'Time', value: (_, time) => (time === null ? NOTHING : formatTimeOfDay(time, 0)) },
        ...series.map((one, index) => ({
          label: seriesTitle(one),
          stroke: () => colour(`--line-${(index % COLOURS) + 1}`),
          width: 1.5,
          value: (_: uPlot, value: number | null) => (value == null ? NOTHING : formatFloat(value)),
        })),
      ],
    },
    [[], ...series.map(() => [])],
    container,
  );

  let windows: readonly SeriesWindow[] = [];
  let frame: number | undefined;
  const drawFrame = (): void => {
    frame = undefined;
    const tables = windows.map((window, index) => {
      const seconds = series[index]?.intervalSeconds ?? null;
      return toColumns(window, seconds === null ? null : seconds * 1_000) satisfies uPlot.AlignedData;
    });
    if (tables.length > 0)
      plot.setData(
        uPlot.join(
          tables,
          tables.map(() => [0, EXPAND_NULLS]),
        ),
      );
  };
  const request = (): void => {
    frame ??= requestAnimationFrame(drawFrame);
  };
  const timer = setInterval(request, 1_000);
  const resizing = new ResizeObserver(() => plot.setSize(sizeOf(container)));
  resizing.observe(container);
  const darkness = matchMedia('(prefers-color-scheme: dark)');
  const recolour = (): void => plot.redraw();
  darkness.addEventListener('change', recolour);
  return {
    show(newWindows) {
      windows = newWindows;
      request();
    },
    end() {
      if (frame !== undefined) cancelAnimationFrame(frame);
      clearInterval(timer);
      resizing.disconnect();
      darkness.removeEventListener('change', recolour);
      plot.destroy();
    },
  };
}

function sizeOf(container: HTMLElement): { width: number; height: number } {
  return { width: container.clientWidth, height: container.clientHeight };
}

/** A tenth of air above and below; and where all is one value, as much as makes that plain. */
function paddedRange(_: uPlot, least: number | null, greatest: number | null): [number, number] {
  if (least === null || greatest === null) return [0, 1];
  const air = greatest > least ? (greatest - least) / 10 : Math.max(Math.abs(greatest) / 10, 0.5);
  return [least - air, greatest + air];
}

/** A label of an axis whose marks lie `step` apart: as many decimals as the step has. */
function labelOf(value: number, step: number): string {
  const decimals = String(Number(step.toPrecision(6))).split('.')[1]?.length ?? 0;
  return value.toFixed(Math.min(decimals, 10)).replace('-', '\u2212');
}

/** CSS pixels that the labels of an axis take. */
function widthOfLabels(_: uPlot, labels: readonly string[] | null): number {
  return 14 + 7 * Math.max(3, ...(labels ?? []).map((label) => label.length));
}
