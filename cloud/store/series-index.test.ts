import { decodeBatch, encodeBatch, type Reading } from '@loadline/sdk/telemetry';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SeriesIndex } from './series-index.ts';

const test = suite('the newest of a series');

const now = Date.UTC(2026, 10, 22);
/** Monotonic 0 was this long before, to the millisecond. */
const timeline = [{ monotonic: 0, wall: now - 60_000 }];

function reading(monotonic: number, value: number): Reading {
  return {
    kind: 'reading',
    ...{ port: 'radio', base: 1, tag: 7, aspect: 'heard', calibration: undefined, monotonic },
    ...{ value: { type: 'int32', value }, flags: 0, status: 0, quality: { kind: 'none' } },
  };
}

/** The number of the newest when these have come, each as a delivery of its own: [number, monotonic ms]. */
function newestOf(...deliveries: readonly (readonly [number, number])[]): unknown {
  const index = new SeriesIndex();
  for (const [first, monotonic] of deliveries) {
    const header = {
      epoch: '0'.repeat(32),
      boot: '1'.repeat(32),
      parent: undefined,
      oldest: 0,
      first,
      dropped: [],
    };
    const batch = decodeBatch(encodeBatch(header, [reading(monotonic, first)]));
    index.add(1, batch, [{ first, last: first }], timeline, now);
  }
  const { latest } = index.get(1, 7, 'heard') ?? {};
  return latest?.value.type === 'int32' ? latest.value.value : undefined;
}

test('is the newest by its own time, and not the one received last', () => {
  assert.is(newestOf([0, 1000], [1, 2000], [2, 1500]), 1);
});

test('of two with one time is the one with the later number, in whatever order they come', () => {
  assert.equal([newestOf([5, 1000], [4, 1000]), newestOf([4, 1000], [5, 1000])], [5, 5]);
});

test('is never one from the future', () => {
  assert.is(newestOf([0, 1000], [1, 3_600_000_000]), 0);
});

test.run();
