import type { Value } from '../t24/index.ts';
import type { Anchor, Entry, Quality, Reading } from './reading.ts';

/** A run of numbers, both ends included. */
export interface NumberRange {
  readonly first: number;
  readonly last: number;
}

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

/** The value column of one series; the type of every value in it is the series' type. */
export type ValueColumn =
  | { readonly type: 'none' }
  | { readonly type: 'uint8'; readonly values: Uint8Array }
  | { readonly type: 'uint16'; readonly values: Uint16Array }
  | { readonly type: 'int32'; readonly values: Int32Array }
  | { readonly type: 'float32'; readonly values: Float32Array }
  | { readonly type: 'float64'; readonly values: Float64Array }
  | { readonly type: 'string'; readonly values: readonly string[] }
  | { readonly type: 'binary'; readonly values: readonly Uint8Array[] };

/** The readings of one series in a batch, as columns of equal length in the order of their numbers. */
export interface SeriesColumns {
  readonly port: string;
  readonly base: number;
  readonly tag: number;
  readonly quality: Quality['kind'];
  /** Where each reading stands in the batch: its number is `first + position`. */
  readonly positions: Uint32Array;
  readonly column: ValueColumn;
  readonly flags: Uint8Array;
  readonly status: Uint8Array;
  /** Raw RSSI bytes, or a GW1's LQI percent; zeros where `quality` is none. */
  readonly rssi: Uint8Array;
  /** Raw CV bytes; zeros where `quality` is not radio. */
  readonly cv: Uint8Array;
}

/** A decoded batch: checked whole, kept as columns. */
export interface Batch extends BatchHeader {
  /** Entries in it: readings and anchors. */
  readonly count: number;
  /** Monotonic milliseconds of each entry, by position. */
  readonly times: Float64Array;
  readonly series: readonly SeriesColumns[];
  readonly anchors: readonly { readonly position: number; readonly anchor: Anchor }[];
}

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** The value at `index` of a column; a float32 that is not finite comes out as its bits. */
export function valueAt(column: ValueColumn, index: number): Value {
  switch (column.type) {
    case 'none':
      return { type: 'none' };
    case 'float32': {
      const value = column.values[index] as number;
      if (Number.isFinite(value)) return { type: 'float32', value };
      const bytes = new DataView(column.values.buffer, column.values.byteOffset + index * 4, 4);
      return { type: 'nonFinite', bits: bytes.getUint32(0, littleEndian) };
    }
    case 'uint8':
    case 'uint16':
    case 'int32':
    case 'float64':
      return { type: column.type, value: column.values[index] as number };
    case 'string':
      return { type: 'string', value: column.values[index] as string };
    case 'binary':
      return { type: 'binary', value: column.values[index] as Uint8Array };
  }
}

/** The number at `index` of a column; null where it is none: text, bytes, or a float32 that is not finite. */
export function numberAt(column: ValueColumn, index: number): number | null {
  switch (column.type) {
    case 'none':
    case 'string':
    case 'binary':
      return null;
    default: {
      const value = column.values[index] as number;
      return Number.isFinite(value) ? value : null;
    }
  }
}

function qualityAt(columns: SeriesColumns, index: number): Quality {
  switch (columns.quality) {
    case 'none':
      return { kind: 'none' };
    case 'radio':
      return { kind: 'radio', rssi: columns.rssi[index] as number, cv: columns.cv[index] as number };
    case 'lqi':
      return { kind: 'lqi', percent: columns.rssi[index] as number };
  }
}

/** The reading at `index` of one series of a batch. */
export function readingAt(batch: Batch, columns: SeriesColumns, index: number): Reading {
  return {
    kind: 'reading',
    port: columns.port,
    base: columns.base,
    tag: columns.tag,
    monotonic: batch.times[columns.positions[index] as number] as number,
    value: valueAt(columns.column, index),
    flags: columns.flags[index] as number,
    status: columns.status[index] as number,
    quality: qualityAt(columns, index),
  };
}

/** The entries of a batch in the order of their numbers, the first being number `batch.first`. */
export function entriesOf(batch: Batch): Entry[] {
  const entries = new Array<Entry>(batch.count);
  for (const { position, anchor } of batch.anchors) entries[position] = anchor;
  for (const columns of batch.series) {
    for (let index = 0; index < columns.positions.length; index++) {
      entries[columns.positions[index] as number] = readingAt(batch, columns, index);
    }
  }
  return entries;
}
