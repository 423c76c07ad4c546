import { linkQualityPercent } from '@loadline/sdk/t24';
import type { Reading } from '@loadline/sdk/telemetry';
import type { ShownReading } from './protocol.ts';

/** What a tag is called; undefined where nobody configured it. */
export type NameOf = (
  tag: number,
) => { readonly name: string; readonly unit: string; readonly simulated: boolean } | undefined;

const flagError = 0x80;
const flagBatteryLow = 0x40;

/** A reading as people see it. The value is the physical one: as heard x gain + offset. */
export function shown(reading: Reading, nameOf: NameOf, now: number): ShownReading {
  const { tag, aspect, port, base, flags, quality, monotonic } = reading;
  const named = nameOf(tag);
  const value = physicalOf(reading);
  const flaws = [
    ...((flags & flagError) !== 0 ? ['error'] : []),
    ...((flags & flagBatteryLow) !== 0 ? ['battery low'] : []),
    ...(reading.value.type === 'nonFinite' ? ['no number'] : []),
  ];
  const percent = percentOf(quality);
  return {
    tag: tag.toString(16).toUpperCase().padStart(4, '0'),
    aspect,
    ...(named && {
      name: named.name,
      unit: named.unit,
      ...(named.simulated && { simulated: true as const }),
    }),
    value,
    port,
    base,
    flaws,
    ...(percent !== undefined && { linkPercent: percent }),
    secondsAgo: Math.max(0, (now - monotonic) / 1000),
  };
}

function percentOf(quality: Reading['quality']): number | undefined {
  switch (quality.kind) {
    case 'none':
      return undefined;
    case 'radio':
      return Math.round(linkQualityPercent(quality.rssi, quality.cv));
    case 'lqi':
      return quality.percent;
  }
}

function physicalOf({ value, calibration }: Reading): ShownReading['value'] {
  switch (value.type) {
    case 'none':
    case 'nonFinite':
      return null;
    case 'string':
      return value.value;
    case 'binary':
      return Buffer.from(value.value).toString('hex');
    default:
      return calibration === undefined ? value.value : value.value * calibration.gain + calibration.offset;
  }
}
