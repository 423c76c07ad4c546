import { limits } from '../contract/index.ts';
import { malformedReadings } from './errors.ts';
import { isSeriesName, type NamedReading } from './named-reading.ts';

/** A reading as a program has it in hand. */
export interface LineReading {
  /** See `isSeriesName`. */
  readonly name: string;
  /** A number must be finite. */
  readonly value: number | boolean | string;
  /** Of a number only: as SenML names units. */
  readonly unit?: string;
  /** Whole milliseconds since 1970; without it, the time of arrival stands for it. */
  readonly time?: number;
}

const number = String.raw`-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?`;
const unit = String.raw`[^\s\p{Cc}@"]+`;
const text = String.raw`"(?:[^"\\\p{Cc}]|\\[^\p{Cc}])*"`;
const value = `(?<number>${number})(?::(?<unit>${unit}))?|(?<truth>true|false)|(?<text>${text})`;
const readingPattern = new RegExp(`(?<name>[^\\s=]+)=(?:${value})(?:@(?<time>\\d{1,15}))?(?: |$)`, 'uy');
const unitPattern = new RegExp(`^${unit}$`, 'u');

/**
 * The form of sockets: readings behind one another, each `name=value`, with the unit behind a number's colon, and the time
 * behind an @. A text is a JSON string (RFC 8259, section 7). The grammar is in sdk/socket/README.md.
 *
 *     temp=21.5 hum=40:%RH@1795000000000 door=true note="all well"
 */
export function readReadingsLine(body: Uint8Array): NamedReading[] {
  let line: string;
  try {
    line = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw malformedReadings('not UTF-8');
  }
  const readings: NamedReading[] = [];
  for (let at = 0; at < line.length; ) {
    readingPattern.lastIndex = at;
    const found = readingPattern.exec(line)?.groups;
    if (found === undefined) throw malformedReadings(`reading ${readings.length + 1} is not name=value`);
    at = readingPattern.lastIndex;
    if (at === line.length && line.endsWith(' ')) throw malformedReadings('a space at the end of the line');
    readings.push(readOne(found));
  }
  if (readings.length === 0) throw malformedReadings('no readings');
  return readings;
}

function readOne(found: Record<string, string | undefined>): NamedReading {
  const { name = '', number, unit, truth, text, time } = found;
  if (!isSeriesName(name)) {
    throw malformedReadings(
      `${JSON.stringify(name.slice(0, limits.seriesNameLength))} cannot name a series: letters, digits and - : . / _, ` +
        `at most ${limits.seriesNameLength}`,
    );
  }
  if (unit !== undefined && unit.length > limits.unitLength) {
    throw malformedReadings(`${name}: a unit has at most ${limits.unitLength} characters`);
  }
  const wall = time === undefined ? undefined : Number(time);
  if (wall !== undefined && wall > limits.monotonicMilliseconds) {
    throw malformedReadings(`${name}: the time is not in milliseconds since 1970`);
  }
  return { name, time: wall, value: lineValue(name, { number, truth, text }), unit };
}

function lineValue(
  name: string,
  {
    number,
    truth,
    text,
  }: { number?: string | undefined; truth?: string | undefined; text?: string | undefined },
): NamedReading['value'] {
  if (number !== undefined) {
    const value = Number(number);
    if (Number.isFinite(value)) return { type: 'float64', value };
    throw malformedReadings(`${name}: the number is beyond 64 bits`);
  }
  if (truth !== undefined) return { type: 'uint8', value: truth === 'true' ? 1 : 0 };
  let value: string;
  try {
    value = JSON.parse(text ?? '');
  } catch {
    throw malformedReadings(`${name}: the text is not a JSON string`);
  }
  if (Buffer.byteLength(value) <= limits.valueBytes) return { type: 'string', value };
  throw malformedReadings(`${name}: a text has at most ${limits.valueBytes} bytes`);
}

/** Writes readings in the form of sockets. Throws TelemetryError for one that cannot be said in it. */
export function writeReadingsLine(readings: readonly LineReading[]): string {
  const line = readings.map(writeOne).join(' ');
  readReadingsLine(Buffer.from(line));
  return line;
}

function writeOne({ name, value, unit, time }: LineReading): string {
  if (/[\s=]/.test(name)) throw malformedReadings(`${JSON.stringify(name)} cannot name a series`);
  if (unit !== undefined && (typeof value !== 'number' || !unitPattern.test(unit))) {
    throw malformedReadings(`${name}: a unit is of a number, and has no blanks, quotes or @`);
  }
  const said = Object.is(value, -0) ? '-0' : typeof value === 'string' ? quoted(value) : String(value);
  return `${name}=${said}${unit === undefined ? '' : `:${unit}`}${time === undefined ? '' : `@${time}`}`;
}

/** As JSON, and without what a reader of lines could stumble over. */
function quoted(value: string): string {
  return JSON.stringify(value).replace(
    /\p{Cc}/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
