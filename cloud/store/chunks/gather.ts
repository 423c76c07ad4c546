import type { Value } from '@loadline/sdk/t24';
import { type BatchSeries, readingAt } from '@loadline/sdk/telemetry';
import type { StoredDelivery } from '../deliveries.ts';
import { eachFresh, isAfter } from '../series-index.ts';
import { type Timeline, wallTime } from '../timeline.ts';
import type { Kind, Origin, Place, Readings } from './readings.ts';

/** A delivery whose times are known. */
export type ResolvedDelivery = StoredDelivery & { readonly timeline: Timeline };

const always = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

/** The columns that are one number a row. */
type Columns = Omit<Readings, 'count' | 'kinds' | 'others' | 'epochs' | 'origins'>;
const columnNames = [
  'times',
  'values',
  'kind',
  'epoch',
  'numbers',
  'monotonic',
  'arrivals',
  'origin',
  'flags',
  'status',
  'rssi',
  'cv',
] as const satisfies readonly (keyof Columns)[];

function emptyColumns(rows: number): Columns {
  return {
    times: new Float64Array(rows),
    values: new Float64Array(rows),
    kind: new Uint32Array(rows),
    epoch: new Uint32Array(rows),
    numbers: new Float64Array(rows),
    monotonic: new Float64Array(rows),
    arrivals: new Float64Array(rows),
    origin: new Uint32Array(rows),
    flags: new Uint8Array(rows),
    status: new Uint8Array(rows),
    rssi: new Uint8Array(rows),
    cv: new Uint8Array(rows),
  };
}

/** Each distinct entry once, by what it is: found again by a text that no two of them share. */
class Dictionary<T> {
  readonly entries: T[] = [];
  readonly #indices = new Map<string, number>();
  readonly #keyOf: (entry: T) => string;

  constructor(keyOf: (entry: T) => string) {
    this.#keyOf = keyOf;
  }

  indexOf(entry: T): number {
    const key = this.#keyOf(entry);
    let index = this.#indices.get(key);
    if (index === undefined) {
      index = this.entries.push(entry) - 1;
      this.#indices.set(key, index);
    }
    return index;
  }

  /** Makes indices into other entries indices into these; what none of them names is not taken over. */
  takeOver(entries: readonly T[], indices: Uint32Array): void {
    const known: number[] = [];
    for (let row = 0; row < indices.length; row++) {
      const index = indices[row] as number;
      known[index] ??= this.indexOf(entries[index] as T);
      indices[row] = known[index];
    }
  }
}

/** Tells -0 from 0: what comes out must be what went in. */
const exact = (number: number) => (Object.is(number, -0) ? '-0' : String(number));

function keyOfKind({ type, calibration }: Kind): string {
  return calibration === undefined ? type : `${type} ${exact(calibration.gain)} ${exact(calibration.offset)}`;
}

/** Readings of one series on their way to stand in order, once; rows are appended in any order. */
export class Gatherer {
  #columns: Columns;
  #count = 0;
  #ordered = true;
  readonly #kinds = new Dictionary<Kind>(keyOfKind);
  readonly #origins = new Dictionary<Origin>(({ port, base, quality }) => `${base} ${quality} ${port}`);
  readonly #epochs = new Dictionary<string>((epoch) => epoch);
  readonly #others = new Map<number, Value>();

  /** `rows`: how many are expected. */
  constructor(rows = 64) {
    this.#columns = emptyColumns(rows);
  }

  get count(): number {
    return this.#count;
  }

  /** Appends the readings of one series that this delivery was the first to bring, those between two times. */
  addSeries(
    { batch, fresh, timeline, writtenMs }: ResolvedDelivery,
    series: BatchSeries,
    { from, to }: { from: number; to: number } = always,
  ): void {
    const { flags, status, rssi, cv, values } = batch.columns;
    const { type, calibration, port, base, quality, start, valueStart } = series;
    const numbers = type === 'none' || type === 'string' || type === 'binary' ? undefined : values[type];
    const kind = this.#kinds.indexOf({ type, calibration });
    const epoch = this.#epochs.indexOf(batch.epoch);
    const origin = this.#origins.indexOf({ port, base, quality });
    this.#reserve(this.#count + series.end - start);
    eachFresh(batch, series, fresh, (row, position) => {
      const monotonic = batch.times[position] as number;
      const time = wallTime(timeline, monotonic);
      if (time < from || time > to) return;
      const at = this.#grow();
      const columns = this.#columns;
      const value = numbers === undefined ? Number.NaN : (numbers[valueStart + row - start] as number);
      columns.times[at] = time;
      columns.values[at] = value;
      columns.kind[at] = kind;
      columns.epoch[at] = epoch;
      columns.numbers[at] = batch.first + position;
      columns.monotonic[at] = monotonic;
      columns.arrivals[at] = writtenMs;
      columns.origin[at] = origin;
      columns.flags[at] = flags[row] as number;
      columns.status[at] = status[row] as number;
      columns.rssi[at] = rssi[row] as number;
      columns.cv[at] = cv[row] as number;
      if (type === 'string' || type === 'binary' || (type === 'float32' && !Number.isFinite(value))) {
        const other = readingAt(batch, series, row).value;
        this.#others.set(at, other);
        columns.values[at] = Number.NaN;
        columns.kind[at] = this.#kinds.indexOf({ type: other.type, calibration });
      }
      this.#follow(at);
    });
  }

  /** Appends rows `start` to `end` (not included) of readings that stand already. */
  addReadings(readings: Readings, start = 0, end = readings.count): void {
    if (end <= start) return;
    const at = this.#count;
    this.#reserve(at + end - start);
    const to = this.#columns;
    for (const name of columnNames) to[name].set(readings[name].subarray(start, end), at);
    this.#kinds.takeOver(readings.kinds, to.kind.subarray(at, at + end - start));
    this.#origins.takeOver(readings.origins, to.origin.subarray(at, at + end - start));
    this.#epochs.takeOver(readings.epochs, to.epoch.subarray(at, at + end - start));
    for (const [row, value] of readings.others) {
      if (row >= start && row < end) this.#others.set(at + row - start, value);
    }
    this.#count = at + end - start;
    // They are in order among themselves: only where they join is there something to see.
    this.#follow(at);
  }

  /** All of it in the order of readings. */
  inOrder(): Readings {
    const count = this.#count;
    const dictionaries = {
      kinds: this.#kinds.entries,
      origins: this.#origins.entries,
      epochs: this.#epochs.entries,
    };
    if (this.#ordered) {
      const columns = Object.fromEntries(
        columnNames.map((name) => [name, this.#columns[name].subarray(0, count)]),
      ) as Columns;
      return { count, ...columns, ...dictionaries, others: this.#others };
    }
    const order = Uint32Array.from({ length: count }, (_, row) => row).sort((a, b) =>
      isAfter(this.#placeAt(a), this.#placeAt(b)) ? 1 : -1,
    );
    const columns = emptyColumns(count);
    for (const name of columnNames) {
      const [from, to] = [this.#columns[name], columns[name]];
      for (let row = 0; row < count; row++) to[row] = from[order[row] as number] as number;
    }
    const others = new Map<number, Value>();
    if (this.#others.size > 0) {
      order.forEach((from, row) => {
        const value = this.#others.get(from);
        if (value !== undefined) others.set(row, value);
      });
    }
    return { count, ...columns, ...dictionaries, others };
  }

  /** Rows after a place, and before a time. */
  countBetween(after: Place | null, before: number): number {
    let count = 0;
    for (let row = 0; row < this.#count; row++) {
      if ((this.#columns.times[row] as number) >= before) continue;
      if (after === null || isAfter(this.#placeAt(row), after)) count++;
    }
    return count;
  }

  #placeAt(row: number): Place {
    const { times, epoch, numbers } = this.#columns;
    return {
      time: times[row] as number,
      epoch: this.#epochs.entries[epoch[row] as number] as string,
      number: numbers[row] as number,
    };
  }

  /** Notes whether row `at` comes after the one before it. */
  #follow(at: number): void {
    if (at > 0 && this.#ordered) this.#ordered = isAfter(this.#placeAt(at), this.#placeAt(at - 1));
  }

  #grow(): number {
    this.#reserve(this.#count + 1);
    return this.#count++;
  }

  #reserve(rows: number): void {
    const room = this.#columns.times.length;
    if (rows <= room) return;
    const columns = emptyColumns(Math.max(rows, room * 2));
    for (const name of columnNames) columns[name].set(this.#columns[name].subarray(0, this.#count));
    this.#columns = columns;
  }
}
