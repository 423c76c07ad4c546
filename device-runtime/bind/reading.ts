import type { Measurement } from '@loadline/sdk/driver';
import type { Calibration, Reading } from '@loadline/sdk/telemetry';

/** The reading in a measurement, bit for bit as it was heard. */
export function readingOf(
  measurement: Measurement,
  port: string,
  at: number,
  calibration: Calibration | undefined,
): Reading {
  const { base, tag, value, flags, status, quality } = measurement;
  return {
    kind: 'reading',
    port,
    base,
    tag,
    aspect: 'heard',
    calibration,
    monotonic: Math.floor(at),
    value,
    flags,
    status,
    quality,
  };
}
