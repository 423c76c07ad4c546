import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Bucket, beginningOf, newestFirst } from './calendar-days.ts';

const test = suite('days, weeks and months of a plot');

const zoneBefore = process.env.TZ;
test.before(() => {
  process.env.TZ = 'Europe/London';
});
test.after(() => {
  if (zoneBefore === undefined) delete process.env.TZ;
  else process.env.TZ = zoneBefore;
});

/** The day on which it begins, by the clock of this place. */
function dayOf(now: string, unit: 'day' | 'week' | 'month'): string {
  const at = new Date(beginningOf(new Date(now).getTime(), unit));
  return [at.getFullYear(), at.getMonth() + 1, at.getDate()].join('-');
}

test('they look back fourteen days, twelve weeks or twelve months, the present one included', () => {
  const now = '2026-11-22T13:00:00';
  assert.equal(
    [dayOf(now, 'day'), dayOf(now, 'week'), dayOf(now, 'month')],
    ['2026-11-9', '2026-9-6', '2025-12-1'],
  );
});

test('the day is that of this place, also shortly after midnight and across a change of clocks', () => {
  // Clocks went back in the night to 25 October.
  for (const time of ['00:10:00', '23:50:00']) {
    assert.is(dayOf(`2026-11-01T${time}`, 'day'), '2026-10-19');
    assert.is(dayOf(`2026-10-25T${time}`, 'day'), '2026-10-12');
  }
});

test('from the last day of a long month no short one is left out', () => {
  assert.is(dayOf('2026-03-31T12:00:00', 'month'), '2025-4-1');
  assert.is(dayOf('2027-01-31T12:00:00', 'month'), '2026-2-1');
});

test('the newest bucket is first, and the oldest that has a reading is last', () => {
  const buckets = [0, 3, 0, 2, 0].map((count, at) => ({ count, from: String(at) }) as Bucket);
  assert.equal(
    newestFirst(buckets).map(({ from }) => from),
    ['4', '3', '2', '1'],
  );
  assert.equal(newestFirst(buckets.slice(0, 1)), []);
});

test.run();
