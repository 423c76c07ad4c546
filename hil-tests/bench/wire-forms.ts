import { gatewayTopic } from '@loadline/sdk/contract';
import {
  decodeBatch,
  encodeBatch,
  entriesOf,
  type NamedReading,
  readNamed,
  type SenmlForm,
  writeSenml,
} from '@loadline/sdk/telemetry';
import sparkplug from 'sparkplug-payload';
import type { JsonReading } from './stack-subscriber.ts';

/** A reading, as every form must bring it over. */
export interface Sample {
  readonly tag: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** A float32. */
  readonly value: number;
  /** Raw bytes of the radio. */
  readonly quality: { readonly rssi: number; readonly cv: number } | undefined;
}

/** How readings are written into the body of a message. */
export interface Form {
  readonly by: string;
  readonly topic: string;
  encode(samples: readonly Sample[]): Uint8Array;
  decode(body: Uint8Array): readonly Sample[];
}

const gateway = 'gw-1';
const epoch = '00112233445566778899aabbccddeeff';
const boot = '0'.repeat(32);
const userTopic = `gw/${gateway}/telemetry`;

/** Each keeps every bit of a float32 and every millisecond. */
export const forms: readonly Form[] = [loadline(), json(), senml('senml'), senml('senml-cbor'), sparkplugB()];

function loadline(): Form {
  return {
    by: 'Loadline',
    topic: gatewayTopic(gateway, 'telemetry'),
    encode: (samples) =>
      encodeBatch(
        { epoch, parent: undefined, boot, oldest: 1_000_000, first: 1_000_000, dropped: [] },
        samples.map(({ tag, time, value, quality }) => ({
          ...{ kind: 'reading', port: 'radio', base: 1, tag, aspect: 'heard', calibration: undefined },
          ...{ monotonic: time, value: { type: 'float32', value }, flags: 0x20, status: 0 },
          quality: quality === undefined ? { kind: 'none' } : { kind: 'radio', ...quality },
        })),
      ),
    decode: (body) =>
      entriesOf(decodeBatch(body)).map((entry) => {
        if (entry.kind !== 'reading' || entry.value.type !== 'float32') throw new Error('not a reading');
        const { tag, monotonic: time, value, quality } = entry;
        const radio = quality.kind === 'radio' ? { rssi: quality.rssi, cv: quality.cv } : undefined;
        return { tag, time, value: value.value, quality: radio };
      }),
  };
}

function json(): Form {
  return {
    by: 'JSON',
    topic: userTopic,
    encode: (samples) =>
      Buffer.from(
        JSON.stringify(
          samples.map(({ tag, time, value, quality }) => ({
            ...{ sensor: tag.toString(16), time, value: decimalOf(value), ...quality },
          })),
        ),
      ),
    decode: (body) =>
      (JSON.parse(Buffer.from(body).toString()) as (JsonReading & { rssi?: number })[]).map(
        ({ sensor, time, value, rssi, cv }) => ({
          ...{ tag: Number.parseInt(sensor, 16), time, value: Math.fround(value) },
          quality: rssi === undefined ? undefined : { rssi, cv },
        }),
      ),
  };
}

/** SenML has no place for quality: it takes records of its own. */
function senml(form: SenmlForm): Form {
  return {
    by: form === 'senml' ? 'SenML, JSON' : 'SenML, CBOR',
    topic: userTopic,
    encode: (samples) =>
      writeSenml(
        form,
        samples.flatMap(({ tag, time, value, quality }): NamedReading[] => {
          const name = tag.toString(16);
          const record = (suffix: string, number: number): NamedReading => ({
            ...{ name: `${name}${suffix}`, time, unit: undefined },
            value: { type: 'float64', value: number },
          });
          const own = record('', decimalOf(value));
          return quality === undefined
            ? [own]
            : [own, record(':rssi', quality.rssi), record(':cv', quality.cv)];
        }),
      ),
    decode: (body) =>
      gathered(
        readNamed(form, body).map(({ name, time, value }) => {
          if (value.type !== 'float64' || time === undefined) throw new Error(`${name} is no number`);
          const [tag = '', what = 'value'] = name.split(':');
          return { tag: Number.parseInt(tag, 16), what: what as Part['what'], time, number: value.value };
        }),
      ),
  };
}

/**
 * As a node sends data after its birth (NDATA): metrics by their aliases, which the birth has named, each with its time.
 * Quality is two metrics more.
 */
function sparkplugB(): Form {
  const codec = sparkplug.get('spBv1.0');
  if (codec === null || codec === undefined) throw new Error('sparkplug-payload has no spBv1.0');
  const parts = ['value', 'rssi', 'cv'] as const;
  return {
    by: 'Sparkplug B',
    topic: `spBv1.0/group/NDATA/${gateway}`,
    encode: (samples) =>
      codec.encodePayload({
        ...{ timestamp: samples[0]?.time ?? 0, seq: 1 },
        metrics: samples.flatMap(({ tag, time, value, quality }) => {
          const metric = (part: number, type: 'Float' | 'UInt8', number: number) => ({
            ...{ alias: (tag - firstAlias) * parts.length + part, timestamp: time, type, value: number },
          });
          const own = metric(0, 'Float', value);
          return quality === undefined
            ? [own]
            : [own, metric(1, 'UInt8', quality.rssi), metric(2, 'UInt8', quality.cv)];
        }),
      }),
    decode: (body) =>
      gathered(
        (codec.decodePayload(body).metrics ?? []).map(({ alias, timestamp, value }) => ({
          tag: firstAlias + Math.floor(Number(alias) / parts.length),
          what: parts[Number(alias) % parts.length] as Part['what'],
          ...{ time: Number(timestamp), number: Number(value) },
        })),
      ),
  };
}

/** Tags of the bench begin here, and aliases at 0: most of them are one byte then. */
const firstAlias = 0x1000;

/** One of what a sample is made of, where a form has each by itself. */
interface Part {
  readonly tag: number;
  readonly what: 'value' | 'rssi' | 'cv';
  readonly time: number;
  readonly number: number;
}

/** Samples of their parts: a value, and right behind it its quality, or none. */
function gathered(parts: readonly Part[]): Sample[] {
  return parts.flatMap(({ tag, what, time, number }, at): Sample[] => {
    if (what !== 'value') return [];
    const [rssi, cv] = [parts[at + 1], parts[at + 2]];
    const isItsOwn = [rssi, cv].every((part) => part?.tag === tag && part.time === time);
    const quality =
      isItsOwn && rssi?.what === 'rssi' && cv?.what === 'cv'
        ? { rssi: rssi.number, cv: cv.number }
        : undefined;
    return [{ tag, time, value: Math.fround(number), quality }];
  });
}

/** The shortest decimal that is this float32 and no other: what a program prints that knows what it has. */
function decimalOf(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const decimal = Number(value.toPrecision(digits));
    if (Math.fround(decimal) === value) return decimal;
  }
  return Number(value.toPrecision(9));
}
