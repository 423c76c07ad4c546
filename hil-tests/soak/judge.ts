import type { ArchivedReading } from '@loadline/cloud';
import type { Written } from './load.ts';
import type { Stretch } from './site.ts';

/** What the cloud has of the load, held against what was written to the line. */
export interface LoadVerdict {
  readonly sent: number;
  readonly stored: number;
  /** Written whole to a line that was whole and a port that was open, and not stored. */
  readonly lost: number;
  readonly twice: number;
  /** Stored, and never sent under that tag. */
  readonly foreign: number;
  /** Stored by a higher number than a frame that was sent after it. */
  readonly outOfOrder: number;
  /** Sent while the line or the port was not in order, and not stored. */
  readonly excused: number;
}

/** What was sent, by which tag, and when the line was not in order. */
export interface Sent {
  readonly written: readonly Written[];
  readonly count: number;
  readonly tagOf: (value: number) => number;
  readonly doubts: readonly Stretch[];
}

/** Judges the readings of one gateway, of one epoch. */
export function judgeLoad(readings: Iterable<ArchivedReading>, sent: Sent): LoadVerdict {
  const times = new Uint8Array(sent.count);
  const values: { readonly number: number; readonly value: number }[] = [];
  let foreign = 0;
  for (const { number, reading } of readings) {
    const value = reading.value.type === 'int32' ? reading.value.value : -1;
    if (value < 0 || value >= sent.count || reading.tag !== sent.tagOf(value)) foreign += 1;
    else {
      times[value] = (times[value] as number) + 1;
      values.push({ number, value });
    }
  }
  values.sort((a, b) => a.number - b.number);
  let lost = 0;
  let excused = 0;
  for (const frames of sent.written) {
    const isSure = frames.isWhole && !sent.doubts.some((doubt) => overlaps(frames, doubt));
    for (let value = frames.first; value < frames.first + frames.count; value++) {
      if (times[value] !== 0) continue;
      if (isSure) lost += 1;
      else excused += 1;
    }
  }
  return {
    ...{ sent: sent.count, lost, excused, foreign },
    stored: values.length,
    twice: times.reduce((sum, count) => sum + Math.max(0, count - 1), 0),
    outOfOrder: values.filter(({ value }, at) => value < (values[at - 1]?.value ?? 0)).length,
  };
}

function overlaps({ begunAt, takenAt }: Written, { from, to }: Stretch): boolean {
  return begunAt <= to && takenAt >= from;
}

/** What a device without a radio delivered: numbers, of which each that was acknowledged must be stored once. */
export function judgeClient(
  readings: Iterable<ArchivedReading>,
  acknowledged: readonly number[],
): { readonly acknowledged: number; readonly lost: number; readonly twice: number } {
  const times = new Map<number, number>();
  for (const { reading } of readings) {
    const value =
      'value' in reading.value && typeof reading.value.value === 'number' ? reading.value.value : -1;
    times.set(value, (times.get(value) ?? 0) + 1);
  }
  return {
    acknowledged: acknowledged.length,
    lost: acknowledged.filter((number) => !times.has(number)).length,
    twice: [...times.values()].reduce((sum, count) => sum + count - 1, 0),
  };
}
