import { zstdCompressSync } from 'node:zlib';
import { limits } from '../contract/index.ts';
import type { Value } from '../t24/index.ts';
import type { BatchHeader } from './batch.ts';
import { TelemetryError } from './errors.ts';
import { packBytes, packVarints, shuffle, zigzag } from './packing.ts';
import type { Anchor, Entry, Reading } from './reading.ts';
import {
  batchVersion,
  cbor,
  qualityKinds,
  type ValueType,
  valueTypes,
  type WireBatch,
  wholeNumber,
} from './wire.ts';

/** Below this many bytes a zstd frame costs about as much as it saves. */
const compressFrom = 512;

/** More than an anchor takes: of a batch cut to half its size, no more than limits.batchAnchors can be anchors. */
const anchorWeight = limits.batchBytes / 2 / limits.batchAnchors;

/** About how many bytes an entry adds to a batch before compression: for cutting batches to a size. */
export function entryWeight(entry: Entry): number {
  if (entry.kind === 'anchor') return anchorWeight;
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

function valueType(value: Value): ValueType {
  return value.type === 'nonFinite' ? 'float32' : value.type;
}

interface Series {
  readonly type: ValueType;
  readonly readings: Reading[];
}

/** Sorts readings into series; `order` says which series each entry belongs to, the number past the last an anchor. */
function collect(entries: readonly Entry[]) {
  const ports: string[] = [];
  const series: Series[] = [];
  const heads: number[] = [];
  const anchors: Anchor[] = [];
  const indices = new Map<number, number>();
  const order = new Int32Array(entries.length);
  for (let position = 0; position < entries.length; position++) {
    const entry = entries[position] as Entry;
    if (entry.kind === 'anchor') {
      anchors.push(entry);
      order[position] = -1;
      continue;
    }
    let port = ports.indexOf(entry.port);
    if (port < 0) port = ports.push(entry.port) - 1;
    const type = valueType(entry.value);
    const form = valueTypes.indexOf(type) | (qualityKinds.indexOf(entry.quality.kind) << 4);
    const key = ((entry.tag * 256 + entry.base) * 256 + port) * 256 + form;
    let index = indices.get(key);
    if (index === undefined) {
      index = series.push({ type, readings: [] }) - 1;
      indices.set(key, index);
      heads.push(entry.tag >> 8, entry.tag & 0xff, entry.base, port, form);
    }
    (series[index] as Series).readings.push(entry);
    order[position] = index;
  }
  for (let position = 0; position < order.length; position++) {
    if (order[position] === -1) order[position] = series.length;
  }
  return { ports, series, heads: Uint8Array.from(heads), anchors, order };
}

function packOrder(order: Int32Array, series: number): unknown[] {
  const low = packBytes(Uint8Array.from(order, (index) => index & 0xff));
  return series < 256 ? [low] : [low, packBytes(Uint8Array.from(order, (index) => index >> 8))];
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
 * @throws {TelemetryError} `batch-limit` past limits.batchEntries or batchAnchors, `batch-too-large` past
 * limits.batchBytes.
 */
export function encodeBatch(header: BatchHeader, entries: readonly Entry[]): Uint8Array {
  const { ports, series, heads, anchors, order } = collect(entries);
  if (entries.length > limits.batchEntries) {
    throw new TelemetryError('batch-limit', `${entries.length} entries; cut at ${limits.batchEntries}`);
  }
  if (anchors.length > limits.batchAnchors) {
    throw new TelemetryError('batch-limit', `${anchors.length} anchors; cut at ${limits.batchAnchors}`);
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
    ports,
    heads,
    entries.length,
    packOrder(order, series.length),
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
  const compressed = zstdCompressSync(cbor.encode(wire('shuffled')));
  return compressed.length < plain.length ? compressed : plain;
}
