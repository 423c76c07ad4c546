import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Point } from './api.ts';
import {
  abandonReload,
  addLive,
  beginReload,
  emptyWindow,
  finishReload,
  type SeriesWindow,
  toColumns,
} from './series-window.ts';

const test = suite('the sliding window of a plotted series');

const all = { from: 0, to: 1_000_000, points: 1_000 };

function holding(points: readonly Point[]): SeriesWindow {
  return finishReload(beginReload(emptyWindow), all, { points, count: points.length });
}

test('live points that come out of order stand in order of time', () => {
  const window = addLive(
    holding([
      [10, 1],
      [40, 4],
    ]),
    [
      [30, 3],
      [50, 5],
      [20, 2],
    ],
    0,
  );
  assert.equal(
    window.points.map(([time]) => time),
    [10, 20, 30, 40, 50],
  );
});

test('a reading that comes both live and with the reload is there once', () => {
  const asked = addLive(beginReload(emptyWindow), [[20, 2]], 0);
  const window = finishReload(asked, all, {
    points: [
      [10, 1],
      [20, 2],
    ],
    count: 2,
  });
  assert.equal(window.points, [
    [10, 1],
    [20, 2],
  ]);
});

test('a reading that comes live while the reload is under way, and is not in it, stays', () => {
  const asked = addLive(beginReload(holding([[10, 1]])), [[20, 2]], 0);
  assert.equal(finishReload(asked, all, { points: [[10, 1]], count: 1 }).points, [
    [10, 1],
    [20, 2],
  ]);
});

test('two readings that are the same in time and value are one point, also in a reload alone', () => {
  assert.is(
    holding([
      [10, 1],
      [10, 1],
    ]).points.length,
    1,
  );
});

test('two readings of one time and different values are both kept', () => {
  const window = addLive(
    emptyWindow,
    [
      [10, 1],
      [10, 2],
    ],
    0,
  );
  assert.is(window.points.length, 2);
  const [times, values] = toColumns(window, 1_000);
  assert.equal(values, [1, 2]);
  assert.ok((times[1] ?? 0) > (times[0] ?? 0));
});

test('a reload replaces its range and keeps what a gateway with a fast clock has dated after it', () => {
  const held = addLive(
    holding([]),
    [
      [500_000, 5],
      [1_000_001, 9],
    ],
    0,
  );
  assert.equal(finishReload(beginReload(held), all, { points: [[400_000, 4]], count: 1 }).points, [
    [400_000, 4],
    [1_000_001, 9],
  ]);
});

test('what is older than the window goes, but for one point from which the line enters', () => {
  const window = addLive(
    holding([
      [10, 1],
      [20, 2],
      [30, 3],
    ]),
    [[40, 4]],
    30,
  );
  assert.equal(
    window.points.map(([time]) => time),
    [20, 30, 40],
  );
});

test('a failed reload loses nothing and gathers nothing more', () => {
  const window = abandonReload(addLive(beginReload(holding([[10, 1]])), [[20, 2]], 0));
  assert.is(window.points.length, 2);
  assert.is(addLive(window, [[30, 3]], 0).sinceAsked, null);
});

test('the line breaks where readings stop for more than three intervals, and not before', () => {
  const [times, values] = toColumns(
    holding([
      [0, 1],
      [3_000, 2],
      [6_001, 3],
    ]),
    1_000,
  );
  assert.equal(values, [1, 2, null, 3]);
  assert.is(times.length, 4);
});

test('the line breaks at a reading that was no number', () => {
  const points: Point[] = [
    [0, 1],
    [1, null],
    [2, 3],
  ];
  assert.equal(toColumns(holding(points), 1_000), [
    [0, 1, 2],
    [1, null, 3],
  ]);
});

test('where the interval is not known, the usual spacing stands for it', () => {
  const steady: Point[] = Array.from({ length: 10 }, (_, index) => [index * 1_000, index]);
  assert.not.ok(toColumns(holding([...steady, [11_500, 1]]), null)[1].includes(null));
  assert.ok(toColumns(holding([...steady, [12_500, 1]]), null)[1].includes(null));
});

test('the spacing of a thinned range is no gap in it, and one after it', () => {
  const thinned = finishReload(beginReload(emptyWindow), all, {
    points: [
      [0, 1],
      [4_000, 2],
    ],
    count: 4_000,
  });
  assert.equal(toColumns(thinned, 1)[1], [1, 2]);
  assert.equal(toColumns(addLive(thinned, [[8_000, 3]], 0), 1)[1], [1, 2, null, 3]);
});

type Step =
  | { readonly kind: 'committed'; readonly points: readonly Point[] }
  | { readonly kind: 'asked' }
  | { readonly kind: 'answered' }
  | { readonly kind: 'failed' };

const point = fc.tuple(fc.nat(20), fc.option(fc.nat(3), { nil: null }));
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('committed' as const), points: fc.array(point, { maxLength: 5 }) }),
  fc.record({ kind: fc.constantFrom('asked' as const, 'answered' as const, 'failed' as const) }),
);

test('whatever comes live and by reloads, each reading is there once and in order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.boolean(), (steps, answerIsOld) => {
      let window = emptyWindow;
      const committed: Point[] = [];
      let committedWhenAsked: readonly Point[] = [];
      for (const one of steps) {
        switch (one.kind) {
          case 'committed':
            committed.push(...one.points);
            window = addLive(window, one.points, 0);
            break;
          case 'asked':
            committedWhenAsked = [...committed];
            window = beginReload(window);
            break;
          case 'answered': {
            if (window.sinceAsked === null) break;
            const points = (answerIsOld ? committedWhenAsked : [...committed]).toSorted(([a], [b]) => a - b);
            window = finishReload(window, all, { points, count: points.length });
            break;
          }
          case 'failed':
            window = abandonReload(window);
            break;
        }
        const names = window.points.map(String);
        assert.equal(new Set(names), new Set(committed.map(String)));
        assert.is(names.length, new Set(names).size);
        const [times] = toColumns(window, null);
        assert.ok(times.every((time, index) => index === 0 || time > (times[index - 1] ?? 0)));
      }
    }),
  );
});

test.run();
