import type { Value } from '@loadline/sdk/t24';
import type { Calibration, Entry, Reading } from '@loadline/sdk/telemetry';
import type { ByteWriter } from './bytes.ts';
import {
  aspects,
  code,
  differs,
  newSeries,
  qualityKinds,
  type Series,
  type ValueType,
  valueTypes,
  wholeFloat64,
} from './series.ts';

const bits = new DataView(new ArrayBuffer(4));

function float32Bits(value: number): number {
  bits.setFloat32(0, value);
  return bits.getUint32(0);
}

function typeOf(value: Value): ValueType {
  return value.type === 'nonFinite' ? 'float32' : value.type;
}

/** The bits of a value of at most 32 of them. */
function bitsOf(value: Value): number {
  switch (value.type) {
    case 'float32':
      return float32Bits(value.value);
    case 'nonFinite':
      return value.bits >>> 0;
    case 'uint8':
    case 'uint16':
    case 'int32':
      return value.value >>> 0;
    default:
      return 0;
  }
}

function bytesOf(difference: number): number {
  return (39 - Math.clz32(difference)) >> 3;
}

function sameCalibration(one: Calibration | undefined, other: Calibration | undefined): boolean {
  if (one === other) return true;
  if (one === undefined || other === undefined) return false;
  return Object.is(one.gain, other.gain) && Object.is(one.offset, other.offset);
}

/** Writes the entries of one segment. */
export class EntryEncoder {
  readonly #series = new Map<string, Map<number, Series[]>>();
  readonly #ports: string[] = [];
  #count = 0;
  #time = 0;

  encode(entry: Entry, writer: ByteWriter): void {
    switch (entry.kind) {
      case 'reading':
        this.#reading(entry, writer);
        return;
      case 'anchor':
        writer.uint8(code.anchor);
        this.#step(entry.monotonic, writer);
        writer.signed(entry.wall);
        writer.signed(entry.uncertainty);
        return;
      case 'event':
        writer.uint8(code.event);
        this.#step(entry.monotonic, writer);
        writer.text(entry.code);
        writer.text(entry.subject);
        writer.text(entry.detail);
    }
  }

  #step(monotonic: number, writer: ByteWriter): void {
    const time = Math.round(monotonic);
    writer.signed(time - this.#time);
    this.#time = time;
  }

  #reading(reading: Reading, writer: ByteWriter): void {
    const series = this.#seriesOf(reading, writer);
    const { value, quality, flags, status } = reading;
    writer.varint(series.index + code.series);
    this.#step(reading.monotonic, writer);
    const rssi = quality.kind === 'radio' ? quality.rssi : quality.kind === 'lqi' ? quality.percent : 0;
    const cv = quality.kind === 'radio' ? quality.cv : 0;
    let mask = 0;
    if (flags !== series.flags) mask |= differs.flags;
    if (status !== series.status) mask |= differs.status;
    if (rssi !== series.rssi) mask |= differs.rssi;
    if (cv !== series.cv) mask |= differs.cv;
    const now = bitsOf(value);
    const difference = (now ^ series.bits) >>> 0;
    let count = difference === 0 ? 0 : bytesOf(difference);
    if (value.type === 'float64' && !Object.is(value.value, series.float64)) count = wholeFloat64;
    writer.uint8(mask | (count << 4));
    if (mask & differs.flags) writer.uint8(flags);
    if (mask & differs.status) writer.uint8(status);
    if (mask & differs.rssi) writer.uint8(rssi);
    if (mask & differs.cv) writer.uint8(cv);
    series.flags = flags;
    series.status = status;
    series.rssi = rssi;
    series.cv = cv;
    series.bits = now;
    switch (value.type) {
      case 'string':
        writer.text(value.value);
        return;
      case 'binary':
        writer.binary(value.value);
        return;
      case 'float64':
        if (count === wholeFloat64) writer.float64(value.value);
        series.float64 = value.value;
        return;
      default:
        writer.low(difference, count);
    }
  }

  /** The series of a reading; the first time it is met, its definition is written before it. */
  #seriesOf(reading: Reading, writer: ByteWriter): Series {
    let byKey = this.#series.get(reading.port);
    if (byKey === undefined) {
      byKey = new Map();
      this.#series.set(reading.port, byKey);
    }
    const type = typeOf(reading.value);
    const form =
      valueTypes.indexOf(type) +
      8 * qualityKinds.indexOf(reading.quality.kind) +
      32 * aspects.indexOf(reading.aspect);
    const key = (form * 256 + reading.base) * 65_536 + reading.tag;
    let candidates = byKey.get(key);
    if (candidates === undefined) {
      candidates = [];
      byKey.set(key, candidates);
    }
    const { calibration, port, base, tag, aspect, quality } = reading;
    for (const each of candidates) {
      if (sameCalibration(each.calibration, calibration)) return each;
    }
    const head = { port, base, tag, aspect, calibration, type, quality: quality.kind };
    const series = newSeries(this.#count++, head);
    candidates.push(series);
    writer.uint8(code.define);
    let portIndex = this.#ports.indexOf(port);
    if (portIndex < 0) {
      portIndex = this.#ports.push(port) - 1;
      writer.varint(portIndex);
      writer.text(port);
    } else writer.varint(portIndex);
    writer.uint8(form);
    writer.uint8(base);
    writer.low(tag, 2);
    writer.uint8(calibration === undefined ? 0 : 1);
    if (calibration !== undefined) {
      writer.float64(calibration.gain);
      writer.float64(calibration.offset);
    }
    return series;
  }
}
