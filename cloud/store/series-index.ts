import { limits } from '@loadline/sdk/contract';
import type { Value } from '@loadline/sdk/t24';
import {
  type Aspect,
  aspects,
  type Batch,
  type BatchSeries,
  type Calibration,
  type NumberRange,
  type Quality,
  readingAt,
} from '@loadline/sdk/telemetry';
import type { SeriesName } from './chunks/readings.ts';
import { hasNumber } from './number-set.ts';
import { type Timeline, wallTime } from './timeline.ts';

/** A value as JSON carries it: bytes as base64, the bits of what is no number in hex. */
export type JsonValue =
  | { readonly type: 'none' }
  | { readonly type: 'uint8' | 'uint16' | 'int32' | 'float32' | 'float64'; readonly value: number }
  | { readonly type: 'nonFinite'; readonly bits: string }
  | { readonly type: 'string' | 'binary'; readonly value: string };

function jsonValue(value: Value): JsonValue {
  switch (value.type) {
    case 'nonFinite':
      return { type: 'nonFinite', bits: value.bits.toString(16).padStart(8, '0') };
    case 'binary':
      return { type: 'binary', value: Buffer.from(value.value).toString('base64') };
    default:
      return value;
  }
}

/** A stored reading with its place in the order of readings: (time, epoch, number). */
export interface PlacedReading {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly epoch: string;
  readonly number: number;
  /** As it was heard. */
  readonly value: JsonValue;
  readonly calibration: Calibration | null;
  readonly flags: number;
  readonly status: number;
  readonly quality: Quality;
  readonly base: number;
  readonly port: string;
}

/** A series of a device, an aspect of a tag: how many readings of it are stored, and the newest. */
export interface SeriesState {
  readonly device: number;
  readonly tag: number;
  readonly aspect: Aspect;
  count: number;
  /** The newest by its own time, not the last received; undefined while no reading of it has a time. */
  latest: PlacedReading | undefined;
}

/** Whether `a` comes after `b` in the order of readings. */
export function isAfter(
  a: Pick<PlacedReading, 'time' | 'epoch' | 'number'>,
  b: Pick<PlacedReading, 'time' | 'epoch' | 'number'>,
): boolean {
  if (a.time !== b.time) return a.time > b.time;
  if (a.epoch !== b.epoch) return a.epoch > b.epoch;
  return a.number > b.number;
}

/** Calls `visit` for each reading of `series` that this delivery was the first to bring. */
export function eachFresh(
  batch: Batch,
  series: BatchSeries,
  fresh: readonly NumberRange[],
  visit: (row: number, position: number) => void,
): void {
  const { positions } = batch.columns;
  const [only] = fresh;
  const whole =
    fresh.length === 1 && only?.first === batch.first && only.last === batch.first + batch.count - 1;
  for (let row = series.start; row < series.end; row++) {
    const position = positions[row] as number;
    if (whole || hasNumber(fresh, batch.first + position)) visit(row, position);
  }
}

/** A number, not a text: it is made for every series of every delivery. */
function keyOf(device: number, tag: number, aspect: Aspect): number {
  return device * 0x10000 * aspects.length + seriesKey(tag, aspect);
}

/** A number for each series of a device, none for two of them. */
export function seriesKey(tag: number, aspect: Aspect): number {
  return tag * aspects.length + aspects.indexOf(aspect);
}

/**
 * What is known of every series without reading the store: fed with each delivery after its commit, and at the
 * start with what was delivered since the last checkpoint.
 */
export class SeriesIndex {
  readonly #series = new Map<number, SeriesState>();

  constructor(series: readonly SeriesState[] = []) {
    for (const one of series) this.#series.set(keyOf(one.device, one.tag, one.aspect), { ...one });
  }

  /**
   * Takes in what a delivery brought. A time further ahead of `arrival` than limits.futureMilliseconds is
   * stored but never becomes the latest: it would hide every reading until then.
   */
  add(
    device: number,
    batch: Batch,
    fresh: readonly NumberRange[],
    timeline: Timeline | undefined,
    arrival: number,
  ): void {
    for (const series of batch.series) {
      const state = this.#state(device, series.tag, series.aspect);
      let newest = -1;
      let newestTime = Number.NEGATIVE_INFINITY;
      eachFresh(batch, series, fresh, (row, position) => {
        state.count++;
        if (timeline === undefined) return;
        const time = wallTime(timeline, batch.times[position] as number);
        if (time > arrival + limits.futureMilliseconds || time < newestTime) return;
        newest = row;
        newestTime = time;
      });
      if (newest < 0) continue;
      const number = batch.first + (batch.columns.positions[newest] as number);
      const placed = { time: newestTime, epoch: batch.epoch, number };
      if (state.latest !== undefined && !isAfter(placed, state.latest)) continue;
      const { value, flags, status, quality, base, port, calibration } = readingAt(batch, series, newest);
      state.latest = {
        ...placed,
        value: jsonValue(value),
        calibration: calibration ?? null,
        flags,
        status,
        quality,
        base,
        port,
      };
    }
  }

  /** Takes over what is newer in `series`; counts stay as they are. For readings that got their time late. */
  mergeLatest(series: readonly SeriesState[]): void {
    for (const { device, tag, aspect, latest } of series) {
      const state = this.#state(device, tag, aspect);
      if (latest === undefined || (state.latest !== undefined && !isAfter(latest, state.latest))) continue;
      state.latest = latest;
    }
  }

  /** Takes out readings that are stored no more; the newest too, where it is older than `before`, ms since 1970. */
  expire({ device, tag, aspect }: SeriesName, readings: number, before: number): void {
    const state = this.#series.get(keyOf(device, tag, aspect));
    if (state === undefined) return;
    state.count -= readings;
    if (state.latest !== undefined && state.latest.time < before) state.latest = undefined;
  }

  /** One series; undefined where nothing of it is stored. */
  get(device: number, tag: number, aspect: Aspect): SeriesState | undefined {
    return this.#series.get(keyOf(device, tag, aspect));
  }

  /** All series. */
  all(): SeriesState[] {
    return [...this.#series.values()];
  }

  #state(device: number, tag: number, aspect: Aspect): SeriesState {
    const key = keyOf(device, tag, aspect);
    let state = this.#series.get(key);
    if (state === undefined) {
      state = { device, tag, aspect, count: 0, latest: undefined };
      this.#series.set(key, state);
    }
    return state;
  }
}
