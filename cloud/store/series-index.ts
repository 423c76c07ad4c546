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
  readonly count: number;
  /** The newest by its own time, not the last received; undefined while no reading of it has a time. */
  readonly latest: PlacedReading | undefined;
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

/** Whether all of the batch is new: then none of its numbers needs to be looked for. */
function isWhole({ first, count }: Batch, fresh: readonly NumberRange[]): boolean {
  const [only] = fresh;
  return fresh.length === 1 && only?.first === first && only.last === first + count - 1;
}

/** Calls `visit` for each reading of `series` that this delivery was the first to bring. */
export function eachFresh(
  batch: Batch,
  series: BatchSeries,
  fresh: readonly NumberRange[],
  visit: (row: number, position: number) => void,
): void {
  const { positions } = batch.columns;
  const whole = isWhole(batch, fresh);
  for (let row = series.start; row < series.end; row++) {
    const position = positions[row] as number;
    if (whole || hasNumber(fresh, batch.first + position)) visit(row, position);
  }
}

/** A number for each series of a device, none for two of them. */
export function seriesKey(tag: number, aspect: Aspect): number {
  return tag * aspects.length + aspects.indexOf(aspect);
}

/**
 * A series in memory. Its newest reading is kept as fields that are changed in place: an object for it, with every
 * delivery, would be most of what ingest leaves to the garbage collector.
 */
class Tracked {
  readonly device: number;
  readonly tag: number;
  readonly aspect: Aspect;
  count: number;
  /** Less than any time while no reading has one. */
  #time = Number.NEGATIVE_INFINITY;
  #epoch = '';
  #number = Number.NaN;
  /** All of it, where it came as an object; the fields below say nothing then. */
  #placed: PlacedReading | undefined;
  /** The value: a finite number of `#type`, or else what `#other` is. */
  #type: 'uint8' | 'uint16' | 'int32' | 'float32' | 'float64' = 'float32';
  #finite = Number.NaN;
  #other: JsonValue | undefined;
  #calibration: Calibration | undefined;
  #flags = 0;
  #status = 0;
  #quality: Quality['kind'] = 'none';
  #rssi = 0;
  #cv = 0;
  #base = 0;
  #port = '';

  constructor({ device, tag, aspect, count, latest }: SeriesState) {
    this.device = device;
    this.tag = tag;
    this.aspect = aspect;
    this.count = count;
    if (latest !== undefined) this.place(latest);
  }

  get state(): SeriesState {
    const { device, tag, aspect, count } = this;
    return { device, tag, aspect, count, latest: this.#latest() };
  }

  /** Whether a reading at this place would be the newest. */
  isBefore(time: number, epoch: string, number: number): boolean {
    if (time !== this.#time) return time > this.#time;
    return isAfter({ time, epoch, number }, { time, epoch: this.#epoch, number: this.#number });
  }

  /** Makes the reading in `row` of a batch the newest. */
  take(batch: Batch, series: BatchSeries, row: number, time: number): void {
    const { positions, flags, status, rssi, cv, values } = batch.columns;
    const { type } = series;
    this.#time = time;
    this.#epoch = batch.epoch;
    this.#number = batch.first + (positions[row] as number);
    this.#placed = undefined;
    this.#calibration = series.calibration;
    this.#flags = flags[row] as number;
    this.#status = status[row] as number;
    this.#quality = series.quality;
    this.#rssi = rssi[row] as number;
    this.#cv = cv[row] as number;
    this.#base = series.base;
    this.#port = series.port;
    if (type !== 'none' && type !== 'string' && type !== 'binary') {
      this.#type = type;
      this.#finite = values[type][series.valueStart + row - series.start] as number;
      this.#other = undefined;
      if (Number.isFinite(this.#finite)) return;
    }
    this.#other = jsonValue(readingAt(batch, series, row).value);
  }

  /** Makes a reading the newest that is an object already. */
  place(reading: PlacedReading): void {
    this.#time = reading.time;
    this.#epoch = reading.epoch;
    this.#number = reading.number;
    this.#placed = reading;
  }

  /** Has no newest any more where it is older than `before`, ms since 1970. */
  forget(before: number): void {
    if (this.#time < before) this.#time = Number.NEGATIVE_INFINITY;
  }

  #latest(): PlacedReading | undefined {
    if (this.#time === Number.NEGATIVE_INFINITY) return undefined;
    if (this.#placed !== undefined) return this.#placed;
    return {
      time: this.#time,
      epoch: this.#epoch,
      number: this.#number,
      value: this.#other ?? { type: this.#type, value: this.#finite },
      calibration: this.#calibration ?? null,
      flags: this.#flags,
      status: this.#status,
      quality: this.#qualityOf(),
      base: this.#base,
      port: this.#port,
    };
  }

  #qualityOf(): Quality {
    switch (this.#quality) {
      case 'none':
        return { kind: 'none' };
      case 'radio':
        return { kind: 'radio', rssi: this.#rssi, cv: this.#cv };
      case 'lqi':
        return { kind: 'lqi', percent: this.#rssi };
    }
  }
}

/**
 * What is known of every series without reading the store: fed with each delivery after its commit, and at the
 * start with what was delivered since the last checkpoint.
 */
export class SeriesIndex {
  /** By device, and by `seriesKey`. */
  readonly #devices = new Map<number, Map<number, Tracked>>();

  constructor(series: readonly SeriesState[] = []) {
    for (const one of series) this.#of(one.device).set(seriesKey(one.tag, one.aspect), new Tracked(one));
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
    const tracked = this.#of(device);
    const whole = isWhole(batch, fresh);
    const last = arrival + limits.futureMilliseconds;
    const { first, epoch, times, columns } = batch;
    for (const series of batch.series) {
      const one = track(tracked, device, series.tag, series.aspect);
      let newest = -1;
      let newestTime = Number.NEGATIVE_INFINITY;
      for (let row = series.start; row < series.end; row++) {
        const position = columns.positions[row] as number;
        if (!whole && !hasNumber(fresh, first + position)) continue;
        one.count++;
        if (timeline === undefined) continue;
        const time = wallTime(timeline, times[position] as number);
        if (time > last || time < newestTime) continue;
        newest = row;
        newestTime = time;
      }
      if (newest < 0) continue;
      const number = first + (columns.positions[newest] as number);
      if (one.isBefore(newestTime, epoch, number)) one.take(batch, series, newest, newestTime);
    }
  }

  /** Takes over what is newer in `series`; counts stay as they are. For readings that got their time late. */
  mergeLatest(series: readonly SeriesState[]): void {
    for (const { device, tag, aspect, latest } of series) {
      const one = track(this.#of(device), device, tag, aspect);
      if (latest === undefined || !one.isBefore(latest.time, latest.epoch, latest.number)) continue;
      one.place(latest);
    }
  }

  /** Takes out readings that are stored no more; the newest too, where it is older than `before`, ms since 1970. */
  expire({ device, tag, aspect }: SeriesName, readings: number, before: number): void {
    const one = this.#devices.get(device)?.get(seriesKey(tag, aspect));
    if (one === undefined) return;
    one.count -= readings;
    one.forget(before);
  }

  /** One series as it is now; undefined where nothing of it is stored. */
  get(device: number, tag: number, aspect: Aspect): SeriesState | undefined {
    return this.#devices.get(device)?.get(seriesKey(tag, aspect))?.state;
  }

  /** All series as they are now. */
  all(): SeriesState[] {
    return [...this.#devices.values()].flatMap((tracked) => [...tracked.values()].map(({ state }) => state));
  }

  #of(device: number): Map<number, Tracked> {
    let tracked = this.#devices.get(device);
    if (tracked === undefined) {
      tracked = new Map();
      this.#devices.set(device, tracked);
    }
    return tracked;
  }
}

function track(known: Map<number, Tracked>, device: number, tag: number, aspect: Aspect): Tracked {
  const key = seriesKey(tag, aspect);
  let one = known.get(key);
  if (one === undefined) {
    one = new Tracked({ device, tag, aspect, count: 0, latest: undefined });
    known.set(key, one);
  }
  return one;
}
