import { limits } from '../contract/index.ts';
import type { Value } from '../t24/index.ts';
import { TelemetryError } from './errors.ts';
import {
  type Anchor,
  type Aspect,
  aspects,
  type Calibration,
  type Entry,
  type GatewayEvent,
  type Reading,
} from './reading.ts';
import { qualityKinds, type ValueType, valueTypes } from './wire.ts';

/** The readings of one series, in the order of their numbers. */
export interface Collected {
  readonly type: ValueType;
  readonly aspect: Aspect;
  /** 0 where there is none, else 1 + the index of its calibration. */
  readonly calibration: number;
  readonly readings: Reading[];
}

/** Entries taken apart: see `collect`. */
export interface Collection {
  readonly ports: readonly string[];
  readonly series: readonly Collected[];
  /** Tag, base, port and form of each series, as they travel. */
  readonly heads: Uint8Array;
  readonly calibrations: readonly Calibration[];
  readonly anchors: readonly Anchor[];
  readonly events: readonly GatewayEvent[];
  /** The series each entry belongs to; the number past the last is an anchor, the one after that an event. */
  readonly order: Int32Array;
}

/** What stands in `order` until the number of series is known. */
const anchorMark = -2;
const eventMark = -1;

/**
 * Sorts readings into series: what differs in port, base, tag, value type, quality, aspect or calibration is another.
 * @throws {TelemetryError} `batch-limit` past limits.batchPorts.
 */
export function collect(entries: readonly Entry[]): Collection {
  const ports: string[] = [];
  const series: Collected[] = [];
  const heads: number[] = [];
  const anchors: Anchor[] = [];
  const events: GatewayEvent[] = [];
  const calibrations = new Calibrations();
  const indices = new Map<number, number>();
  const order = new Int32Array(entries.length);
  for (let position = 0; position < entries.length; position++) {
    const entry = entries[position] as Entry;
    if (entry.kind === 'anchor') {
      anchors.push(entry);
      order[position] = anchorMark;
      continue;
    }
    if (entry.kind === 'event') {
      events.push(entry);
      order[position] = eventMark;
      continue;
    }
    let port = ports.indexOf(entry.port);
    if (port < 0) port = ports.push(entry.port) - 1;
    if (port >= limits.batchPorts) {
      throw new TelemetryError('batch-limit', `more ports than ${limits.batchPorts}; cut it`);
    }
    const type = valueType(entry.value);
    const form = valueTypes.indexOf(type) | (qualityKinds.indexOf(entry.quality.kind) << 4);
    const aspect = aspects.indexOf(entry.aspect);
    const calibration = entry.calibration === undefined ? 0 : calibrations.number(entry.calibration);
    // 16 bits of tag, 5 of base, 6 of port and of form each, 3 of aspect: 36, and the calibrations of a batch 15 more.
    const kind = (form >> 4) * valueTypes.length + (form & 0x0f);
    const key =
      ((((calibration * 8 + aspect) * 64 + kind) * limits.batchPorts + port) * 32 + entry.base) * 0x10000 +
      entry.tag;
    let index = indices.get(key);
    if (index === undefined) {
      index = series.push({ type, aspect: entry.aspect, calibration, readings: [] }) - 1;
      indices.set(key, index);
      heads.push(entry.tag >> 8, entry.tag & 0xff, entry.base, port, form);
    }
    (series[index] as Collected).readings.push(entry);
    order[position] = index;
  }
  for (let position = 0; position < order.length; position++) {
    const mark = order[position] as number;
    if (mark < 0) order[position] = series.length + (mark === anchorMark ? 0 : 1);
  }
  return {
    ports,
    series,
    heads: Uint8Array.from(heads),
    calibrations: calibrations.all,
    anchors,
    events,
    order,
  };
}

function valueType(value: Value): ValueType {
  return value.type === 'nonFinite' ? 'float32' : value.type;
}

/** The calibrations of a batch, each once: the same object is found at once, an equal one by its figures. */
class Calibrations {
  readonly all: Calibration[] = [];
  readonly #objects = new Map<Calibration, number>();
  readonly #figures = new Map<string, number>();

  /** 1 + its index in `all`. */
  number(calibration: Calibration): number {
    const known = this.#objects.get(calibration);
    if (known !== undefined) return known;
    const figures = `${calibration.gain} ${calibration.offset}`;
    const number = this.#figures.get(figures) ?? this.all.push(calibration);
    this.#figures.set(figures, number);
    this.#objects.set(calibration, number);
    return number;
  }
}
