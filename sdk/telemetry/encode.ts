// As a whole: an older Node has no zstd, and a gateway on it could not even say that it is too old.
import zlib from 'node:zlib';
import { limits } from '../contract/index.ts';
import type { BatchHeader } from './batch.ts';
import { type Collection, collect } from './collect.ts';
import { TelemetryError } from './errors.ts';
import { packBytes, packIndices, packVarints, shuffle, zigzag } from './packing.ts';
import { aspects, type Entry, type GatewayEvent, type Reading } from './reading.ts';
import {
  batchVersion,
  cbor,
  eventCode,
  type ValueType,
  valueTypes,
  type WireBatch,
  wholeNumber,
} from './wire.ts';

/** Below this many bytes a zstd frame costs about as much as it saves. */
const compressFrom = 512;

/** More than an anchor takes: of a batch cut to half its size, no more than limits.batchAnchors can be anchors. */
const anchorWeight = limits.batchBytes / 2 / limits.batchAnchors;

/** The same of an event, besides its texts. */
const eventWeight = limits.batchBytes / 2 / limits.batchEvents;

/** About how many bytes an entry adds to a batch before compression: for cutting batches to a size. */
export function entryWeight(entry: Entry): number {
  if (entry.kind === 'anchor') return anchorWeight;
  if (entry.kind === 'event') {
    return eventWeight + Buffer.byteLength(entry.subject) + Buffer.byteLength(entry.detail);
  }
  switch (entry.value.type) {
    case 'string':
      return 12 + entry.value.value.length * 2;
    case 'binary':
      return 12 + entry.value.value.length;
    case 'float64':
      return 16;
    default:
      return 12;
  }
}

/** Gain and offset of each calibration, and which one each series has. */
function packCalibrations({ calibrations, series }: Collection): WireBatch[16] {
  if (calibrations.length === 0) return null;
  for (const { gain, offset } of calibrations) {
    if (Number.isFinite(gain) && Number.isFinite(offset)) continue;
    throw new TelemetryError('batch-inconsistent', `a calibration of gain ${gain} and offset ${offset}`);
  }
  const pairs = Float64Array.from(calibrations.flatMap(({ gain, offset }) => [gain, offset]));
  const ofSeries = Int32Array.from(series, ({ calibration }) => calibration);
  return [pairs, ...packIndices(ofSeries, calibrations.length + 1)];
}

function packEvents(events: readonly GatewayEvent[]): WireBatch[17] {
  return events.map(({ code, subject, detail }) => {
    if (!eventCode.test(code)) throw new TelemetryError('batch-inconsistent', `an event's code is '${code}'`);
    if (
      Buffer.byteLength(subject) > limits.eventSubjectBytes ||
      Buffer.byteLength(detail) > limits.eventDetailBytes
    ) {
      throw new TelemetryError('batch-limit', `an event of ${code} is too long: make it by gatewayEvent`);
    }
    return [code, subject, detail];
  });
}

function packTimes(entries: readonly Entry[]): WireBatch[11] {
  const start = entries[0]?.monotonic ?? 0;
  const steps = new Float64Array(Math.max(entries.length - 1, 0));
  let steady = true;
  for (let index = 0; index < steps.length; index++) {
    const step = (entries[index + 1] as Entry).monotonic - (entries[index] as Entry).monotonic;
    steps[index] = zigzag(step);
    if (steps[index] !== steps[0]) steady = false;
  }
  return [wholeNumber(start), steady ? (steps[0] ?? 0) : packVarints(steps)];
}

/** The values of all series of one type, series after series. */
function packValues(type: ValueType, readings: readonly Reading[], layout: Layout): unknown {
  const numbers = () => readings.map(({ value }) => (value as { value: number }).value);
  switch (type) {
    case 'none':
      return null;
    case 'uint8':
      return Uint8Array.from(numbers());
    case 'uint16':
      return layOut(Uint16Array.from(numbers()), layout);
    case 'int32':
      return layOut(Int32Array.from(numbers()), layout);
    case 'float64':
      return layOut(Float64Array.from(numbers()), layout);
    case 'float32': {
      const floats = new Float32Array(readings.length);
      const bits = new Uint32Array(floats.buffer);
      for (let index = 0; index < readings.length; index++) {
        const value = (readings[index] as Reading).value as { type: string; value: number; bits: number };
        if (value.type === 'nonFinite') bits[index] = value.bits;
        else floats[index] = value.value;
      }
      return layOut(floats, layout);
    }
    case 'string':
    case 'binary':
      return readings.map(({ value }) => (value as { value: string | Uint8Array }).value);
  }
}

/** How numbers stand on the wire: as RFC 8746 has them, or shuffled for compression. */
type Layout = 'plain' | 'shuffled';

type Numbers = Uint16Array | Int32Array | Float32Array | Float64Array;

function layOut(values: Numbers, layout: Layout): Numbers | Uint8Array {
  if (layout === 'plain') return values;
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return shuffle(bytes, values.BYTES_PER_ELEMENT);
}

function rawRssi({ quality }: Reading): number {
  if (quality.kind === 'radio') return quality.rssi;
  return quality.kind === 'lqi' ? quality.percent : 0;
}

/**
 * Encodes consecutively numbered entries of one epoch, the first being number `header.first`.
 *
 * The caller cuts batches to size (`entryWeight`); times are whole milliseconds and may step back.
 * @throws {TelemetryError} `batch-limit` past limits.batchEntries, batchAnchors, batchEvents, batchPorts or the bytes of
 * an event, `batch-too-large` past limits.batchBytes, `batch-inconsistent` where a calibration is not finite.
 */
export function encodeBatch(header: BatchHeader, entries: readonly Entry[]): Uint8Array {
  const collection = collect(entries);
  const { ports, series, heads, anchors, events, order } = collection;
  if (entries.length > limits.batchEntries) {
    throw new TelemetryError('batch-limit', `${entries.length} entries; cut at ${limits.batchEntries}`);
  }
  if (anchors.length > limits.batchAnchors) {
    throw new TelemetryError('batch-limit', `${anchors.length} anchors; cut at ${limits.batchAnchors}`);
  }
  if (events.length > limits.batchEvents) {
    throw new TelemetryError('batch-limit', `${events.length} events; cut at ${limits.batchEvents}`);
  }
  const readings = series.flatMap((one) => one.readings);
  const column = (byte: (reading: Reading) => number) => packBytes(Uint8Array.from(readings, byte));
  const wire = (layout: Layout): WireBatch => [
    batchVersion,
    Buffer.from(header.epoch, 'hex'),
    header.parent ? [Buffer.from(header.parent.epoch, 'hex'), wholeNumber(header.parent.last)] : null,
    Buffer.from(header.boot, 'hex'),
    wholeNumber(header.oldest),
    wholeNumber(header.first),
    header.dropped.map(({ first, last }) => [wholeNumber(first), wholeNumber(last)]),
    [...ports],
    heads,
    entries.length,
    packIndices(order, series.length + 2),
    packTimes(entries),
    [
      column((reading) => reading.flags),
      column((reading) => reading.status),
      column(rawRssi),
      column(({ quality }) => (quality.kind === 'radio' ? quality.cv : 0)),
    ],
    valueTypes.map((type) => {
      const ofType = series.filter((one) => one.type === type).flatMap((one) => one.readings);
      return ofType.length === 0 ? null : packValues(type, ofType, layout);
    }),
    anchors.map(({ wall, uncertainty }) => [wholeNumber(wall), wholeNumber(uncertainty)]),
    packBytes(Uint8Array.from(series, ({ aspect }) => aspects.indexOf(aspect))),
    packCalibrations(collection),
    packEvents(events),
  ];
  const bytes = shortest(wire);
  if (bytes.length > limits.batchBytes) {
    throw new TelemetryError('batch-too-large', `${bytes.length} bytes; cut at ${limits.batchBytes}`);
  }
  return bytes;
}

function shortest(wire: (layout: Layout) => WireBatch): Uint8Array {
  const plain = cbor.encode(wire('plain'));
  if (plain.length < compressFrom) return plain;
  const compressed = zlib.zstdCompressSync(cbor.encode(wire('shuffled')));
  return compressed.length < plain.length ? compressed : plain;
}
