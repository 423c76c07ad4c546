import type { LineReading } from '../../telemetry/index.ts';

/** A SenML pack (RFC 8428) in JSON. The same readings are the same bytes, and a truth value stays one. */
export function packOf(readings: readonly LineReading[]): Buffer {
  return Buffer.from(JSON.stringify(readings.map(recordOf)));
}

function recordOf({ name, value, unit, time }: LineReading): Record<string, unknown> {
  return {
    n: name,
    ...(unit !== undefined && { u: unit }),
    ...(typeof value === 'number'
      ? { v: value }
      : typeof value === 'boolean'
        ? { vb: value }
        : { vs: value }),
    ...(time !== undefined && { t: time / 1000 }),
  };
}
