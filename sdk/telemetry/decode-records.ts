import { limits } from '../contract/index.ts';
import type { Batch } from './batch.ts';
import { inconsistent, list, malformed, TelemetryError, whole } from './errors.ts';
import type { ForeignEventCode } from './reading.ts';
import { eventCode } from './wire.ts';

/** The entries that are no readings: each stands in a list of its kind, in the order of their positions. */

/** The anchors of a batch, at these positions. */
export function decodeAnchors(value: unknown, positions: Uint32Array, times: Float64Array): Batch['anchors'] {
  const anchors = records(value, 'anchors', limits.batchAnchors, positions);
  return anchors.map((item, index) => {
    const anchor = list(item, 'anchor');
    if (anchor.length !== 2) throw malformed('an anchor is not [wall, uncertainty]');
    const position = positions[index] as number;
    const wall = whole(anchor[0], 'wall time');
    if (wall > limits.wallMilliseconds) throw inconsistent('a wall time is past the year 9999');
    const uncertainty = whole(anchor[1], 'uncertainty');
    return { position, anchor: { kind: 'anchor', monotonic: times[position] as number, wall, uncertainty } };
  });
}

/** The events of a batch, at these positions. A code this version does not know is kept. */
export function decodeEvents(value: unknown, positions: Uint32Array, times: Float64Array): Batch['events'] {
  const events = records(value, 'events', limits.batchEvents, positions);
  return events.map((item, index) => {
    const [code, subject, detail, ...rest] = list(item, 'event');
    if (rest.length > 0) throw malformed('an event is not [code, subject, detail]');
    if (typeof code !== 'string' || !eventCode.test(code)) throw malformed('the code of an event is no code');
    if (!fits(subject, limits.eventSubjectBytes) || !fits(detail, limits.eventDetailBytes)) {
      throw malformed(`subject or detail of an event of ${code} is not text, or too long`);
    }
    const position = positions[index] as number;
    const monotonic = times[position] as number;
    return { position, event: { kind: 'event', monotonic, code: code as ForeignEventCode, subject, detail } };
  });
}

function records(value: unknown, name: string, most: number, positions: Uint32Array): unknown[] {
  const items = list(value, name);
  if (items.length > most)
    throw new TelemetryError('batch-limit', `${items.length} ${name}, at most ${most}`);
  if (items.length !== positions.length) {
    throw inconsistent(`${items.length} ${name} for ${positions.length} entries`);
  }
  return items;
}

function fits(value: unknown, bytes: number): value is string {
  return typeof value === 'string' && Buffer.byteLength(value) <= bytes;
}
