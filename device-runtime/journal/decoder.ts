import type { EventCode } from '@loadline/sdk/contract';
import type { Value } from '@loadline/sdk/t24';
import type { Entry, Quality } from '@loadline/sdk/telemetry';
import { type ByteReader, JournalDamage } from './bytes.ts';
import {
  aspects,
  code,
  differs,
  newSeries,
  qualityKinds,
  type Series,
  valueTypes,
  wholeFloat64,
} from './series.ts';

const bits = new DataView(new ArrayBuffer(4));

/** Reads the entries of one segment, from its first. */
export class EntryDecoder {
  readonly #series: Series[] = [];
  readonly #ports: string[] = [];
  #time = 0;

  /** @throws {JournalDamage} where the bytes are none that an EntryEncoder writes */
  decode(reader: ByteReader): Entry {
    let first = reader.varint();
    while (first === code.define) {
      this.#define(reader);
      first = reader.varint();
    }
    this.#time += reader.signed();
    const monotonic = this.#time;
    if (first === code.anchor) {
      return { kind: 'anchor', monotonic, wall: reader.signed(), uncertainty: reader.signed() };
    }
    if (first === code.event) {
      // An older version may not know the code: what reads it further on has to bear that anyway.
      const eventCode = reader.text() as EventCode;
      return { kind: 'event', monotonic, code: eventCode, subject: reader.text(), detail: reader.text() };
    }
    const series = this.#series[first - code.series];
    if (series === undefined) throw new JournalDamage('a reading is of no series known');
    const mask = reader.uint8();
    if (mask & differs.flags) series.flags = reader.uint8();
    if (mask & differs.status) series.status = reader.uint8();
    if (mask & differs.rssi) series.rssi = reader.uint8();
    if (mask & differs.cv) series.cv = reader.uint8();
    const value = decodeValue(series, mask >> 4, reader);
    return {
      kind: 'reading',
      port: series.port,
      base: series.base,
      tag: series.tag,
      aspect: series.aspect,
      calibration: series.calibration,
      monotonic,
      value,
      flags: series.flags,
      status: series.status,
      quality: qualityOf(series),
    };
  }

  #define(reader: ByteReader): void {
    const portIndex = reader.varint();
    if (portIndex === this.#ports.length) this.#ports.push(reader.text());
    const port = this.#ports[portIndex];
    const form = reader.uint8();
    const type = valueTypes[form % 8];
    const quality = qualityKinds[(form >> 3) % 4];
    const aspect = aspects[form >> 5];
    if (port === undefined || type === undefined || quality === undefined || aspect === undefined) {
      throw new JournalDamage('a series makes no sense');
    }
    const base = reader.uint8();
    const tag = reader.low(2);
    const calibrated = reader.uint8() === 1;
    const calibration = calibrated ? { gain: reader.float64(), offset: reader.float64() } : undefined;
    this.#series.push(
      newSeries(this.#series.length, { port, base, tag, aspect, calibration, type, quality }),
    );
  }
}

function decodeValue(series: Series, count: number, reader: ByteReader): Value {
  const { type } = series;
  switch (type) {
    case 'none':
      return { type };
    case 'string':
      return { type, value: reader.text() };
    case 'binary':
      return { type, value: reader.binary() };
    case 'float64':
      if (count === wholeFloat64) series.float64 = reader.float64();
      return { type, value: series.float64 };
    default:
  }
  if (count > 4) throw new JournalDamage('a value is too long');
  series.bits = (series.bits ^ reader.low(count)) >>> 0;
  if (type === 'int32') return { type, value: series.bits | 0 };
  if (type !== 'float32') return { type, value: series.bits };
  if ((series.bits & 0x7f800000) === 0x7f800000) return { type: 'nonFinite', bits: series.bits };
  bits.setUint32(0, series.bits);
  return { type, value: bits.getFloat32(0) };
}

function qualityOf({ quality, rssi, cv }: Series): Quality {
  switch (quality) {
    case 'none':
      return { kind: 'none' };
    case 'radio':
      return { kind: 'radio', rssi, cv };
    case 'lqi':
      return { kind: 'lqi', percent: rssi };
  }
}
