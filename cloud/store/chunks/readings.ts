import type { Value } from '@loadline/sdk/t24';
import { type Aspect, type Calibration, physical, type Quality, type Reading } from '@loadline/sdk/telemetry';

/** Readings of one series as columns: what chunks are made of, and what long reads hand out. */

/** A series in the store: an aspect of a tag of a device, the device by its row number. */
export interface SeriesName {
  readonly device: number;
  readonly tag: number;
  readonly aspect: Aspect;
}

/** Place of a reading in the order of readings: (time, epoch, number). */
export interface Place {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly epoch: string;
  readonly number: number;
}

/** What the value of a reading is. */
export interface Kind {
  readonly type: Value['type'];
  readonly calibration: Calibration | undefined;
}

/** How a reading came: by which port of which base station, with which quality. */
export interface Origin {
  readonly port: string;
  readonly base: number;
  readonly quality: Quality['kind'];
}

/** When and what: all that a plot needs. Columns are of equal length, one row a reading. */
export interface Plot {
  readonly count: number;
  /** Milliseconds since 1970. */
  readonly times: Float64Array;
  /** Numbers as they were heard, not calibrated; NaN where the value is none. */
  readonly values: Float64Array;
  /** Indices into `kinds`. */
  readonly kind: Uint32Array;
  readonly kinds: readonly Kind[];
  /** By row, the values that are no numbers: text, bytes, and the bits of a float32 that is not finite. */
  readonly others: ReadonlyMap<number, Value>;
}

/** All the rest of the same readings. */
export interface Rest {
  /** Indices into `epochs`. */
  readonly epoch: Uint32Array;
  readonly epochs: readonly string[];
  /** Numbers within the epochs. */
  readonly numbers: Float64Array;
  /** Milliseconds of the device's own clock since its boot. */
  readonly monotonic: Float64Array;
  /** Milliseconds since 1970 when the delivery that brought it was written. */
  readonly arrivals: Float64Array;
  /** Indices into `origins`. */
  readonly origin: Uint32Array;
  readonly origins: readonly Origin[];
  readonly flags: Uint8Array;
  readonly status: Uint8Array;
  /** Raw RSSI bytes, or a GW1's LQI percent; 0 without quality. */
  readonly rssi: Uint8Array;
  /** Raw CV bytes; 0 where the quality is not the radio's. */
  readonly cv: Uint8Array;
}

/** Readings of one series in the order (time, epoch, number); equal times are all there. */
export interface Readings extends Plot, Rest {}

/** One reading, whole, with both its times. */
export interface StoredReading extends Place {
  /** Milliseconds since 1970 when the delivery that brought it was written. */
  readonly arrival: number;
  readonly reading: Reading;
}

/** The physical number of a row: calibrated, where it has a calibration. Null where it is none. */
export function physicalAt({ values, kind, kinds }: Plot, row: number): number | null {
  const number = physical(values[row] as number, kinds[kind[row] as number]?.calibration);
  return Number.isFinite(number) ? number : null;
}

/** The value of a row as it was heard. */
function valueAt({ values, kind, kinds, others }: Plot, row: number): Value {
  const { type } = kinds[kind[row] as number] as Kind;
  switch (type) {
    case 'none':
      return { type };
    case 'string':
    case 'binary':
    case 'nonFinite':
      return others.get(row) as Value;
    default:
      return { type, value: values[row] as number };
  }
}

function qualityAt({ rssi, cv }: Rest, kind: Quality['kind'], row: number): Quality {
  switch (kind) {
    case 'none':
      return { kind };
    case 'radio':
      return { kind, rssi: rssi[row] as number, cv: cv[row] as number };
    case 'lqi':
      return { kind, percent: rssi[row] as number };
  }
}

/** Where a row stands in the order of readings. */
export function placeAt(readings: Readings, row: number): Place {
  return {
    time: readings.times[row] as number,
    epoch: readings.epochs[readings.epoch[row] as number] as string,
    number: readings.numbers[row] as number,
  };
}

/** A row as the reading it is. */
export function storedReadingAt(
  readings: Readings,
  { tag, aspect }: Pick<SeriesName, 'tag' | 'aspect'>,
  row: number,
): StoredReading {
  const { calibration } = readings.kinds[readings.kind[row] as number] as Kind;
  const { port, base, quality } = readings.origins[readings.origin[row] as number] as Origin;
  return {
    ...placeAt(readings, row),
    arrival: readings.arrivals[row] as number,
    reading: {
      kind: 'reading',
      port,
      base,
      tag,
      aspect,
      calibration,
      monotonic: readings.monotonic[row] as number,
      value: valueAt(readings, row),
      flags: readings.flags[row] as number,
      status: readings.status[row] as number,
      quality: qualityAt(readings, quality, row),
    },
  };
}

/** The first row of this time or later. */
export function firstFrom(times: Float64Array, time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] as number) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
