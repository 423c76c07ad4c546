import { limits } from '../contract/index.ts';
import { label, malformedReadings } from './errors.ts';
import { isSeriesName, type NamedReading } from './named-reading.ts';

/**
 * One record of a SenML pack by the labels of its JSON form (RFC 8428, section 4), values not yet looked at. `vd` is bytes
 * already, or what could not be made bytes.
 */
export type SenmlRecord = Readonly<Record<string, unknown>>;

/** The version of SenML that is read here; every lower one is the same (section 4.4). */
const senmlVersion = 10;

/** Seconds: a time below this is relative to now, one from here on counts from 1970 (section 4.5.3). */
const absoluteFromSeconds = 2 ** 28;

/** Labels of a record that says nothing of its own, and only what holds for those after it. */
const baseLabels = ['bn', 'bt', 'bu', 'bv', 'bs', 'bver'] as const;

/** Labels of what a record says itself. */
const ownLabels = ['n', 'u', 'v', 'vs', 'vb', 's', 't', 'ut', 'vd'] as const;

/** Every label of the JSON form. */
export const senmlLabels: ReadonlySet<string> = new Set([...baseLabels, ...ownLabels]);

/** What the sum of a series is kept as: a series of its own, named so behind its name. */
const sumSuffix = ':sum';

/** What the records before one have said for it (section 4.1). */
interface Base {
  name: string;
  time: number;
  unit: string | undefined;
  value: number | undefined;
  sum: number | undefined;
  version: number | undefined;
}

/**
 * The readings of a pack, in its order, its base fields resolved (RFC 8428, section 4.6).
 *
 * A time that is 0 or left out is none; one below 2^28 seconds is relative to the arrival. A sum (`s`) is a series of its
 * own, `<name>:sum`, its unit `<unit>*s`; `ut` is left out. Labels that are not known are left out, and refuse the pack
 * where they end in `_` (section 4.4). A number that is not finite refuses it too: SenML has none.
 */
export function resolvePack(records: Iterable<SenmlRecord>): NamedReading[] {
  const base: Base = {
    name: '',
    time: 0,
    unit: undefined,
    value: undefined,
    sum: undefined,
    version: undefined,
  };
  const readings: NamedReading[] = [];
  let index = 0;
  for (const record of records) {
    const where = `record ${index}`;
    demandKnown(record, where);
    takeBase(base, record, where, index === 0);
    resolveRecord(base, record, where, readings);
    index += 1;
  }
  return readings;
}

function demandKnown(record: SenmlRecord, where: string): void {
  for (const name of Object.keys(record)) {
    if (name.endsWith('_')) {
      throw malformedReadings(`${where}: ${name.slice(0, 64)} has to be understood, and is not known here`);
    }
  }
}

function takeBase(base: Base, record: SenmlRecord, where: string, isFirst: boolean): void {
  const version = numberOf(record, 'bver', where);
  if (version !== undefined && !(Number.isInteger(version) && version > 0 && version <= senmlVersion)) {
    throw malformedReadings(`${where}: bver ${version}: up to version ${senmlVersion} is read here`);
  }
  if (version !== undefined && !isFirst && version !== (base.version ?? senmlVersion)) {
    throw malformedReadings(`${where}: bver ${version}, where another one holds: a pack has one version`);
  }
  base.version ??= version;
  base.name = textOf(record, 'bn', where) ?? base.name;
  base.time = numberOf(record, 'bt', where) ?? base.time;
  base.unit = unitOf(record, 'bu', where) ?? base.unit;
  base.value = numberOf(record, 'bv', where) ?? base.value;
  base.sum = numberOf(record, 'bs', where) ?? base.sum;
}

function resolveRecord(base: Base, record: SenmlRecord, where: string, into: NamedReading[]): void {
  if (ownLabels.every((name) => record[name] === undefined)) return;
  const name = nameOf(base, record, where);
  const at = `${where} (${name})`;
  const unit = unitOf(record, 'u', at) ?? base.unit;
  const when = timeOf(base.time + (numberOf(record, 't', at) ?? 0), at);
  numberOf(record, 'ut', at);
  const sum = sumOf(base, record, at);
  const value = valueIn(base, record, at, sum !== undefined);
  if (value !== undefined) into.push({ name, ...when, value, unit });
  if (sum !== undefined) into.push({ ...sumSeries(name, unit, at), ...when, value: sum });
}

function nameOf(base: Base, record: SenmlRecord, where: string): string {
  const name = base.name + (textOf(record, 'n', where) ?? '');
  if (isSeriesName(name)) return name;
  throw malformedReadings(
    `${where}: ${JSON.stringify(name.slice(0, limits.seriesNameLength))} cannot name a series: base name and name ` +
      `together are letters, digits and - : . / _, a letter or digit first, at most ${limits.seriesNameLength}`,
  );
}

function sumSeries(
  name: string,
  unit: string | undefined,
  where: string,
): Pick<NamedReading, 'name' | 'unit'> {
  const own = `${name}${sumSuffix}`;
  if (!isSeriesName(own))
    throw malformedReadings(`${where}: with ${sumSuffix} behind it the name is too long`);
  const inSeconds = unit === undefined ? undefined : `${unit}*s`;
  return {
    name: own,
    unit: inSeconds !== undefined && inSeconds.length <= limits.unitLength ? inSeconds : undefined,
  };
}

/** Seconds since 1970 or, below 2^28, from the arrival. */
function timeOf(seconds: number, where: string): Pick<NamedReading, 'time' | 'sinceArrival'> {
  if (seconds === 0) return { time: undefined };
  const milliseconds = Math.round(seconds * 1000);
  if (seconds >= absoluteFromSeconds && milliseconds <= limits.monotonicMilliseconds)
    return { time: milliseconds };
  if (Math.abs(seconds) < absoluteFromSeconds) return { time: undefined, sinceArrival: milliseconds };
  throw malformedReadings(`${where}: a time of ${seconds} s is neither one since 1970 nor one from now`);
}

function valueIn(
  base: Base,
  record: SenmlRecord,
  where: string,
  mayLack: boolean,
): NamedReading['value'] | undefined {
  const { v, vs, vb, vd } = record;
  const given = [v, vs, vb, vd].filter((value) => value !== undefined);
  if (given.length > 1) throw malformedReadings(`${where}: more than one of v, vs, vb, vd`);
  if (vs !== undefined) return { type: 'string', value: textValue(record, where) };
  if (vb !== undefined) {
    if (typeof vb === 'boolean') return { type: 'uint8', value: vb ? 1 : 0 };
    throw malformedReadings(`${where}: vb is ${label(vb)}, expected true or false`);
  }
  if (vd !== undefined) return { type: 'binary', value: dataValue(vd, where) };
  if (v === undefined && mayLack) return undefined;
  if (v === undefined && base.value === undefined)
    throw malformedReadings(`${where}: none of v, vs, vb, vd, s`);
  return finite((base.value ?? 0) + (numberOf(record, 'v', where) ?? 0), where);
}

function sumOf(base: Base, record: SenmlRecord, where: string): NamedReading['value'] | undefined {
  const own = numberOf(record, 's', where);
  if (own === undefined && base.sum === undefined) return undefined;
  return finite((base.sum ?? 0) + (own ?? 0), where);
}

/** Two numbers that are finite may have a sum that is not. */
function finite(value: number, where: string): NamedReading['value'] {
  if (Number.isFinite(value)) return { type: 'float64', value };
  throw malformedReadings(`${where}: with its base the value is no number any more`);
}

function textValue(record: SenmlRecord, where: string): string {
  const text = textOf(record, 'vs', where) as string;
  if (Buffer.byteLength(text) <= limits.valueBytes) return text;
  throw malformedReadings(`${where}: a text has at most ${limits.valueBytes} bytes`);
}

function dataValue(data: unknown, where: string): Uint8Array {
  if (!(data instanceof Uint8Array)) {
    throw malformedReadings(
      `${where}: vd is ${label(data)}, expected bytes (in JSON as base64url, unpadded)`,
    );
  }
  // A copy: what it was read from holds the whole body.
  if (data.length <= limits.valueBytes) return Uint8Array.from(data);
  throw malformedReadings(`${where}: vd has ${data.length} bytes, at most ${limits.valueBytes}`);
}

function numberOf(record: SenmlRecord, name: string, where: string): number | undefined {
  const value = record[name];
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value;
  throw malformedReadings(`${where}: ${name} is ${label(value)}, expected a finite number`);
}

function textOf(record: SenmlRecord, name: string, where: string): string | undefined {
  const value = record[name];
  if (value === undefined || typeof value === 'string') return value;
  throw malformedReadings(`${where}: ${name} is ${label(value)}, expected a text`);
}

function unitOf(record: SenmlRecord, name: string, where: string): string | undefined {
  const unit = textOf(record, name, where);
  if (unit === undefined || unit.length <= limits.unitLength) return unit;
  throw malformedReadings(`${where}: a unit has at most ${limits.unitLength} characters`);
}
