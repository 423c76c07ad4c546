import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { absorbed, cutRows, type Lot } from './lots.ts';
import type { Readings } from './readings.ts';

const hour = 3_600_000;

/** Readings of these times; of the rest, lots ask nothing but what is long. */
function at(times: readonly number[], texts = new Map<number, string>()): Readings {
  const others = new Map([...texts].map(([row, value]) => [row, { type: 'string', value } as const]));
  return { count: times.length, times: Float64Array.from(times), others } as unknown as Readings;
}

const everySecond = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => from + index * 1000);

test('what fits is one chunk, and what does not is cut evenly', () => {
  assert.equal(cutRows(at([])), []);
  assert.equal(cutRows(at(everySecond(8192))), [[0, 8192]]);
  assert.equal(cutRows(at(everySecond(8193))), [
    [0, 4096],
    [4096, 8193],
  ]);
  const long = new Map(Array.from({ length: 100 }, (_, row) => [row, 'x'.repeat(10_000)]));
  assert.equal(cutRows(at(everySecond(100), long)).length, 2, 'by bytes where texts are long');
});

test('a backlog is cut from what is new, and a slow series is not cut for being slow', () => {
  const backlog = everySecond(100);
  const live = everySecond(300, 30 * hour);
  assert.equal(cutRows(at([...backlog, ...live])), [
    [0, 100],
    [100, 400],
  ]);
  assert.equal(cutRows(at(everySecond(50).concat(live))), [[0, 350]], 'too few to be a chunk of their own');
  assert.equal(cutRows(at(Array.from({ length: 400 }, (_, index) => index * 24 * hour))), [[0, 400]]);
});

test('a lot is merged with what is not much larger, near it, and with everything where there is too much', () => {
  const lot: Lot = { from: 100 * hour, to: 100 * hour + 99_000, count: 100 };
  const before = (count: number, hours = 0): Lot => ({
    from: lot.from - hours * hour - count * 1000,
    to: lot.from - hours * hour - 1,
    count,
  });
  const [small, large, far] = [before(150), before(2000), before(100, 30)];
  assert.equal(absorbed(lot, [large, small, far]), [small]);
  assert.equal(absorbed(lot, [before(200), before(500)]).length, 2, 'the first makes room for the second');
  assert.is(
    absorbed(
      lot,
      Array.from({ length: 16 }, () => far),
    ).length,
    16,
  );
});

test('until a chunk is full a reading is written some times over, not once a slice', () => {
  const slice = 60;
  let open: Lot[] = [];
  let written = 0;
  let most = 0;
  for (let from = 0; from + slice <= 4096; from += slice) {
    const lot: Lot = { from: from * 1000, to: (from + slice) * 1000 - 1, count: slice };
    const taken = absorbed(lot, open);
    const count = taken.reduce((sum, one) => sum + one.count, slice);
    written += count;
    open = [
      ...open.filter((one) => !taken.includes(one)),
      { ...lot, from: Math.min(lot.from, ...taken.map((one) => one.from)), count },
    ];
    most = Math.max(most, open.length);
  }
  assert.is(
    open.reduce((sum, { count }) => sum + count, 0),
    4080,
  );
  assert.ok(written / 4080 < 8, `each is written ${written / 4080} times`);
  assert.ok(most <= 7, `${most} open chunks`);
});

test.run();
