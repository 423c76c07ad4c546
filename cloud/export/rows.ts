import { linkQualityPercent, packetFlags } from '@loadline/sdk/t24';
import type { Reading, SeriesOfTag } from '@loadline/sdk/telemetry';
import { physicalAt, type Readings, storedReadingAt } from '../store/index.ts';

/** A reading as exports have it: both its times, its number, and what it is made of. */
export interface Row {
  /** Milliseconds since 1970: when it was measured, and when it was committed. */
  readonly time: number;
  readonly arrival: number;
  /** The physical number; null where it is none. */
  readonly value: number | null;
  /** What is no number: text as it is, bytes in base64, null without either. */
  readonly text: string | null;
  /** The number as it was heard, and what was made of it: value = raw x gain + offset; null where it is no number. */
  readonly raw: number | null;
  readonly gain: number | null;
  readonly offset: number | null;
  readonly batteryLow: boolean;
  readonly error: boolean;
  readonly status: number;
  /** Radio quality in percent; null without one. */
  readonly quality: number | null;
  readonly port: string;
  readonly base: number;
  readonly epoch: string;
  readonly number: number;
}

/** A page of a series, row by row. */
export function* rowsOf(readings: Readings, series: SeriesOfTag): Generator<Row> {
  for (let at = 0; at < readings.count; at++) {
    const { time, arrival, epoch, number, reading } = storedReadingAt(readings, series, at);
    const { calibration, flags, status, port, base } = reading;
    yield {
      time,
      arrival,
      value: physicalAt(readings, at),
      ...heardOf(reading),
      gain: calibration?.gain ?? null,
      offset: calibration?.offset ?? null,
      batteryLow: (flags & packetFlags.batteryLow) !== 0,
      error: (flags & packetFlags.error) !== 0,
      status,
      quality: qualityOf(reading),
      port,
      base,
      epoch,
      number,
    };
  }
}

function heardOf({ value }: Reading): Pick<Row, 'text' | 'raw'> {
  switch (value.type) {
    case 'none':
    case 'nonFinite':
      return { text: null, raw: null };
    case 'string':
      return { text: value.value, raw: null };
    case 'binary':
      return { text: Buffer.from(value.value).toString('base64'), raw: null };
    default:
      return { text: null, raw: Number.isFinite(value.value) ? value.value : null };
  }
}

function qualityOf({ quality }: Reading): number | null {
  switch (quality.kind) {
    case 'none':
      return null;
    case 'lqi':
      return quality.percent;
    case 'radio':
      return Math.round(linkQualityPercent(quality.rssi, quality.cv));
  }
}
