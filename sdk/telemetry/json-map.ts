import { limits } from '../contract/index.ts';
import { label, malformedReadings } from './errors.ts';
import { parseJson } from './json-text.ts';
import { isSeriesName, type NamedReading } from './named-reading.ts';

/**
 * The simple form: one JSON object, each key the name of a series. Its value is a number, a text, true or false, or
 * `{"value": …, "timestamp": …, "unit": …}` with the time as ISO 8601 or milliseconds since 1970.
 *
 *     {"temp": 21.5, "door": {"value": true, "timestamp": "2026-11-22T10:00:00Z"}}
 */
export function readMap(body: Uint8Array): NamedReading[] {
  const { value: map, members } = parseJson(body, 1);
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    throw malformedReadings(`${label(map)}, expected one object of names and values`);
  }
  if (Object.keys(map).length !== members[0]) throw malformedReadings('one name stands there twice');
  return Object.entries(map).map(([name, given]) => readOne(name, given));
}

function readOne(name: string, given: unknown): NamedReading {
  if (!isSeriesName(name)) {
    throw malformedReadings(
      `${JSON.stringify(name.slice(0, limits.seriesNameLength))} cannot name a series: letters, digits and - : . / _, ` +
        `at most ${limits.seriesNameLength}`,
    );
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return { name, time: undefined, value: valueOfSeries(name, given), unit: undefined };
  }
  const { value, timestamp, unit, ...rest } = given as Record<string, unknown>;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw malformedReadings(`${name}: ${unknown.slice(0, 64)} is none of value, timestamp, unit`);
  if (unit !== undefined && (typeof unit !== 'string' || unit.length > limits.unitLength)) {
    throw malformedReadings(`${name}: a unit is a text of at most ${limits.unitLength} characters`);
  }
  return { name, time: timeOf(name, timestamp), value: valueOfSeries(name, value), unit };
}

function valueOfSeries(name: string, given: unknown): NamedReading['value'] {
  switch (typeof given) {
    case 'number':
      // JSON has no infinity, and yet 1e999 becomes one.
      if (Number.isFinite(given)) return { type: 'float64', value: given };
      throw malformedReadings(`${name}: the number is too large`);
    case 'boolean':
      return { type: 'uint8', value: given ? 1 : 0 };
    case 'string':
      if (Buffer.byteLength(given) <= limits.valueBytes) return { type: 'string', value: given };
      throw malformedReadings(`${name}: a text has at most ${limits.valueBytes} bytes`);
    default:
      throw malformedReadings(`${name}: ${label(given)} is no value; give a number, a text, true or false`);
  }
}

const isoPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/;

function timeOf(name: string, given: unknown): number | undefined {
  if (given === undefined) return undefined;
  // biome-ignore lint/style/noRestrictedGlobals: reads a text, and looks at no clock
  const time = typeof given === 'string' && isoPattern.test(given) ? Date.parse(given) : given;
  if (typeof time === 'number' && time >= 0 && time <= limits.monotonicMilliseconds) return Math.round(time);
  throw malformedReadings(
    `${name}: the timestamp is neither ISO 8601 with its offset nor milliseconds since 1970`,
  );
}
