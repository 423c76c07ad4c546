import { limits } from '@loadline/sdk/contract';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LiveEvent, LiveSeries, Point } from './live.ts';
import { Owed } from './owed.ts';

function series(tag: number, points: Point[], skipped = 0): LiveSeries {
  return { device: 'mast', tag, name: null, unit: null, aspect: 'heard', points, skipped };
}

function event(number: number): LiveEvent {
  const where = { device: 'mast', time: null, monotonic: number, epoch: 'e0'.repeat(16), number };
  return { ...where, code: 'sensor-stale', subject: '', detail: '' };
}

test('of each series the reading that is newest by its own time is owed, and how many were left out', () => {
  const owed = new Owed();
  assert.ok(owed.isEmpty);
  owed.addReadings(
    series(1, [
      [10, 1],
      [20, 2],
    ]),
  );
  owed.addReadings(series(2, [[5, 9]]));
  owed.addReadings(series(1, [[30, 3]], 100));
  // Late: it does not take the place of what is newer.
  owed.addReadings(series(1, [[15, 4]]));
  assert.not(owed.isEmpty);
  const { series: told } = owed.take();
  assert.equal(
    told.map(({ tag, points, skipped }) => ({ tag, points, skipped })),
    [
      { tag: 1, points: [[30, 3]], skipped: 103 },
      { tag: 2, points: [[5, 9]], skipped: 0 },
    ],
  );
  assert.ok(owed.isEmpty);
  assert.equal(owed.take(), { series: [], events: [], eventsSkipped: 0 });
});

test('of events the newest few are owed, and how many there were before', () => {
  const owed = new Owed();
  const count = limits.liveEventsOwed + 7;
  for (let number = 0; number < count; number++) owed.addEvents([event(number)]);
  const { events, eventsSkipped } = owed.take();
  assert.equal([events.length, eventsSkipped], [limits.liveEventsOwed, 7]);
  assert.equal([events[0]?.number, events.at(-1)?.number], [7, count - 1]);
});

test('it does not grow past a number of series', () => {
  const owed = new Owed();
  for (let tag = 0; tag < limits.liveSeriesOwed; tag++) assert.ok(owed.addReadings(series(tag, [[1, 1]])));
  assert.not(owed.addReadings(series(limits.liveSeriesOwed, [[1, 1]])));
  assert.ok(owed.addReadings(series(0, [[2, 2]])), 'of those that it has, it takes more');
  assert.is(owed.take().series.length, limits.liveSeriesOwed);
});

test.run();
