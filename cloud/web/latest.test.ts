import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Latest, Series } from './api.ts';
import { hasUnknown, inOrder, seriesKey, seriesTitle, withLive, withLoaded } from './latest.ts';

const test = suite('the list of series beside the live stream');

const T = Date.parse('2026-11-22T12:00:00.000Z');

function series(value: number, after: number, changes: Partial<Series & Latest> = {}): Series {
  const { batteryLow = false, latest, ...rest } = changes;
  return {
    device: 'bw1',
    tag: '25DF',
    aspect: 'heard',
    name: 'Wind',
    unit: 'm/s',
    intervalSeconds: 1,
    simulated: false,
    count: 1,
    retentionDays: null,
    latest:
      latest === null
        ? null
        : {
            time: new Date(T + after).toISOString(),
            value: { type: 'float32', value },
            calibrated: null,
            batteryLow,
            error: false,
            status: 0,
            quality: { kind: 'none' },
          },
    ...rest,
  };
}

test('the newest live point becomes the latest value, and flags stay', () => {
  const [shown] = withLive(
    [series(1, 0, { batteryLow: true })],
    [
      {
        device: 'bw1',
        tag: '25DF',
        aspect: 'heard',
        points: [
          [T + 2_000, 3],
          [T + 1_000, 2],
        ],
      },
    ],
  );
  assert.equal(shown, series(3, 2_000, { batteryLow: true }));
});

test('each aspect of a tag is a series of its own, with a title of its own', () => {
  const [heard, mean] = [series(1, 0), series(2, 0, { aspect: 'mean' })];
  assert.is.not(seriesKey(heard), seriesKey(mean));
  assert.equal([heard, mean].map(seriesTitle), ['Wind', 'Wind (mean)']);
  assert.is(seriesTitle(series(1, 0, { aspect: 'max', name: null })), '25DF (max)');
  assert.is(seriesTitle(series(1, 0, { aspect: 'derived' })), 'Wind');
  const live = [{ device: 'bw1', tag: '25DF', aspect: 'mean' as const, points: [[T + 1000, 5]] as const }];
  assert.equal(
    withLive([heard, mean], live).map(({ latest }) => latest?.value),
    [
      { type: 'float32', value: 1 },
      { type: 'float32', value: 5 },
    ],
  );
  assert.ok(hasUnknown([heard], live));
  assert.equal(inOrder([mean, heard]), [heard, mean]);
});

test('a live point does not keep the raw value of the one before', () => {
  const list = [series(1, 0)];
  const [one] = list;
  const calibrated = { raw: { type: 'int32' as const, value: 4 }, gain: 0.25, offset: 0 };
  const shown = [{ ...one, latest: one?.latest && { ...one.latest, calibrated } }] as Series[];
  const [after] = withLive(shown, [
    { device: 'bw1', tag: '25DF', aspect: 'heard' as const, points: [[T + 1_000, 2]] },
  ]);
  assert.is(after?.latest?.calibrated, null);
  // A list that is behind the stream does not bring it back.
  const [loaded] = withLoaded(after === undefined ? [] : [after], shown);
  assert.is(loaded?.latest?.calibrated, null);
});

test('a live point of a backlog does not replace a newer value', () => {
  const list = [series(1, 0)];
  assert.equal(
    withLive(list, [{ device: 'bw1', tag: '25DF', aspect: 'heard' as const, points: [[T - 1_000, 9]] }]),
    list,
  );
});

test('a live reading that is no number leaves the value until the list is loaded', () => {
  const list = [series(1, 0)];
  assert.equal(
    withLive(list, [{ device: 'bw1', tag: '25DF', aspect: 'heard' as const, points: [[T + 1_000, null]] }]),
    list,
  );
});

test('a list that was under way does not take back what was shown live', () => {
  const [shown] = withLoaded([series(3, 2_000)], [series(1, 0, { batteryLow: true, count: 7 })]);
  assert.equal(shown, series(3, 2_000, { batteryLow: true, count: 7 }));
});

test('a newer list wins', () => {
  assert.equal(withLoaded([series(1, 0)], [series(2, 1_000)]), [series(2, 1_000)]);
});

test('a live series that the list lacks, or that had no reading, is unknown', () => {
  const live = [{ device: 'bw1', tag: '25DF', aspect: 'heard' as const, points: [] }];
  assert.is(hasUnknown([series(1, 0)], live), false);
  assert.is(hasUnknown([series(1, 0, { device: 'bw2' })], live), true);
  assert.is(hasUnknown([series(1, 0, { latest: null } as object)], live), true);
});

test('names stand in the order of their numbers', () => {
  const names = inOrder(['Mast 10', 'Mast 2', 'Anchor'].map((name) => series(0, 0, { name })));
  assert.equal(
    names.map(({ name }) => name),
    ['Anchor', 'Mast 2', 'Mast 10'],
  );
});

test.run();
