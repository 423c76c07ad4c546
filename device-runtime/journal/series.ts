import type { Calibration, Quality, Reading } from '@loadline/sdk/telemetry';

/**
 * Entries <-> bytes of one segment, in order. Both ends keep the same state: the series met so far, and the last
 * reading of each, of which only what differs is written. The README draws the bytes.
 */

export const valueTypes = [
  'none',
  'uint8',
  'uint16',
  'int32',
  'float32',
  'float64',
  'string',
  'binary',
] as const;
export const qualityKinds = ['none', 'radio', 'lqi'] as const;
export const aspects = ['heard', 'mean', 'min', 'max', 'derived'] as const;

export type ValueType = (typeof valueTypes)[number];

/** The first number of an entry: one of these, or a series' index + `series`. */
export const code = { define: 0, anchor: 1, event: 2, series: 3 } as const;

/** Low bits of a reading's mask: what follows because it differs. The high four bits count bytes of the value. */
export const differs = { flags: 1, status: 2, rssi: 4, cv: 8 } as const;
/** In the place of a count: eight bytes of a float64 that differs. */
export const wholeFloat64 = 8;

export interface Series {
  readonly index: number;
  readonly port: string;
  readonly base: number;
  readonly tag: number;
  readonly aspect: Reading['aspect'];
  readonly calibration: Calibration | undefined;
  readonly type: ValueType;
  readonly quality: Quality['kind'];
  flags: number;
  status: number;
  rssi: number;
  cv: number;
  /** The last value: bits of a number of up to 32, or a float64. */
  bits: number;
  float64: number;
}

const unset = { flags: 0, status: 0, rssi: 0, cv: 0, bits: 0, float64: 0 };

export function newSeries(index: number, head: Omit<Series, 'index' | keyof typeof unset>): Series {
  return { index, ...head, ...unset };
}
