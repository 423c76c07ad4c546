import type { Value } from '../t24/index.ts';
import {
  type Anchor,
  type Aspect,
  type Calibration,
  type Entry,
  type GatewayEvent,
  physical,
  type Quality,
  type Reading,
} from './reading.ts';
import type { ValueType } from './wire.ts';

/** A run of numbers, both ends included. */
export interface NumberRange {
  readonly first: number;
  readonly last: number;
}

/**
 * The boot of a device that has wall time and no other: its monotonic times are milliseconds since 1970, and need no
 * anchor.
 */
export const wallBoot = '0'.repeat(32);

/**
 * What a batch says of itself. Numbers count from 0 in each epoch; they belong to entries and never to batches:
 * any run of one epoch can be cut anew for every resend.
 */
export interface BatchHeader {
  /** 32 hex digits: this opening of the journal. A gateway makes a new epoch at every opening. */
  readonly epoch: string;
  /** The epoch before this one and the last number it used; undefined for a journal's very first. */
  readonly parent: { readonly epoch: string; readonly last: number } | undefined;
  /** 32 hex digits: the boot whose monotonic clock the times count from. One epoch lies within one boot. */
  readonly boot: string;
  /** The oldest number of this epoch the gateway still holds: what is older and not here will not come. */
  readonly oldest: number;
  /** The number of the first entry. */
  readonly first: number;
  /** Numbers of this epoch the gateway had to drop, ascending and disjoint. */
  readonly dropped: readonly NumberRange[];
}

/** The values of a batch by their type, each column series after series. A type no series has is empty. */
export interface ValueColumns {
  readonly uint8: Uint8Array;
  readonly uint16: Uint16Array;
  readonly int32: Int32Array;
  readonly float32: Float32Array;
  readonly float64: Float64Array;
  readonly string: readonly string[];
  readonly binary: readonly Uint8Array[];
}

/** All readings of a batch as columns of equal length: series after series, each in the order of its numbers. */
export interface ReadingColumns {
  /** Where each reading stands in the batch: its number is `first + position`. */
  readonly positions: Uint32Array;
  readonly flags: Uint8Array;
  readonly status: Uint8Array;
  /** Raw RSSI bytes, or a GW1's LQI percent; zeros where the series has no quality. */
  readonly rssi: Uint8Array;
  /** Raw CV bytes; zeros where the quality is not the radio's. */
  readonly cv: Uint8Array;
  readonly values: ValueColumns;
}

/** One series of a batch, and which rows of the columns are its readings. */
export interface BatchSeries {
  readonly port: string;
  readonly base: number;
  readonly tag: number;
  readonly aspect: Aspect;
  readonly calibration: Calibration | undefined;
  readonly quality: Quality['kind'];
  readonly type: ValueType;
  /** Rows `start` to `end` (not included) of the columns. */
  readonly start: number;
  readonly end: number;
  /** Row of the value column of `type` that belongs to row `start`. */
  readonly valueStart: number;
}

/**
 * A decoded batch: checked whole, and kept as columns of the whole batch. A batch of a hundred series would
 * otherwise be seven hundred small arrays, and collecting them cost more than decoding.
 */
export interface Batch extends BatchHeader {
  /** Entries in it: readings, anchors and events. */
  readonly count: number;
  /** Monotonic milliseconds of each entry, by position. */
  readonly times: Float64Array;
  readonly series: readonly BatchSeries[];
  readonly columns: ReadingColumns;
  readonly anchors: readonly { readonly position: number; readonly anchor: Anchor }[];
  readonly events: readonly { readonly position: number; readonly event: GatewayEvent }[];
}

/**
 * The same batch with its first entry numbered `first`: for one that was numbered where it was committed, and not where
 * it was made.
 */
export function numberedFrom(batch: Batch, first: number): Batch {
  return batch.first === first ? batch : { ...batch, first };
}

const bits = new DataView(new ArrayBuffer(4));

/** The bits of element `index`, read without going through a number: that could change those of a NaN. */
function float32Bits(values: Float32Array, index: number): number {
  const bytes = new Uint8Array(values.buffer, values.byteOffset + index * 4, 4);
  new Uint8Array(bits.buffer).set(bytes);
  return bits.getUint32(0, littleEndian);
}

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** The value of the reading in `row`; a float32 that is not finite comes out as its bits. */
function valueAt(
  { columns: { values } }: Batch,
  { type, start, valueStart }: BatchSeries,
  row: number,
): Value {
  const index = valueStart + row - start;
  switch (type) {
    case 'none':
      return { type };
    case 'float32': {
      const value = values.float32[index] as number;
      if (Number.isFinite(value)) return { type, value };
      return { type: 'nonFinite', bits: float32Bits(values.float32, index) };
    }
    case 'uint8':
    case 'uint16':
    case 'int32':
    case 'float64':
      return { type, value: values[type][index] as number };
    case 'string':
      return { type, value: values.string[index] as string };
    case 'binary':
      return { type, value: values.binary[index] as Uint8Array };
  }
}

/**
 * The physical number of the reading in `row`: calibrated, where the series has a calibration. Null where it is none:
 * text, bytes, or one that is not finite.
 */
export function numberAt(batch: Batch, series: BatchSeries, row: number): number | null {
  const { type, start, valueStart, calibration } = series;
  if (type === 'none' || type === 'string' || type === 'binary') return null;
  const value = physical(batch.columns.values[type][valueStart + row - start] as number, calibration);
  return Number.isFinite(value) ? value : null;
}

function qualityAt({ columns: { rssi, cv } }: Batch, { quality }: BatchSeries, row: number): Quality {
  switch (quality) {
    case 'none':
      return { kind: 'none' };
    case 'radio':
      return { kind: 'radio', rssi: rssi[row] as number, cv: cv[row] as number };
    case 'lqi':
      return { kind: 'lqi', percent: rssi[row] as number };
  }
}

/** The reading in `row`, which is one of the series' rows. */
export function readingAt(batch: Batch, series: BatchSeries, row: number): Reading {
  const { positions, flags, status } = batch.columns;
  return {
    kind: 'reading',
    port: series.port,
    base: series.base,
    tag: series.tag,
    aspect: series.aspect,
    calibration: series.calibration,
    monotonic: batch.times[positions[row] as number] as number,
    value: valueAt(batch, series, row),
    flags: flags[row] as number,
    status: status[row] as number,
    quality: qualityAt(batch, series, row),
  };
}

/** The entries of a batch in the order of their numbers, the first being number `batch.first`. */
export function entriesOf(batch: Batch): Entry[] {
  const entries = new Array<Entry>(batch.count);
  for (const { position, anchor } of batch.anchors) entries[position] = anchor;
  for (const { position, event } of batch.events) entries[position] = event;
  for (const series of batch.series) {
    for (let row = series.start; row < series.end; row++) {
      entries[batch.columns.positions[row] as number] = readingAt(batch, series, row);
    }
  }
  return entries;
}
