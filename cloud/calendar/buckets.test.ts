import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type BucketUnit, bucketsOf, bucketUnits, isTimeZone } from './index.ts';

const hour = 3_600_000;
const at = (text: string) => Date.parse(text);

function lengths(from: string, to: string, unit: BucketUnit, zone: string): number[] {
  const bounds = bucketsOf({ from: at(from), to: at(to) }, unit, zone, 1000) ?? [];
  return bounds.slice(1).map((bound, index) => (bound - (bounds[index] as number)) / hour);
}

test('a day that loses or gains an hour is one bucket of 23 or 25 hours', () => {
  const london = 'Europe/London';
  assert.equal(lengths('2026-03-28T00:00Z', '2026-03-30T10:00Z', 'day', london), [24, 23, 24]);
  assert.equal(lengths('2026-10-24T12:00Z', '2026-10-26T10:00Z', 'day', london), [24, 25, 24]);
  assert.equal(lengths('2026-10-25T00:10Z', '2026-10-25T03:00Z', 'hour', london), [1, 1, 1, 1]);
  // Lord Howe Island changes by half an hour.
  assert.equal(lengths('2026-04-04T00:00Z', '2026-04-05T00:00Z', 'day', 'Australia/Lord_Howe'), [24, 24.5]);
});

test('weeks begin on Monday, months on their first day, by the clock of the zone', () => {
  const [week] = bucketsOf(
    { from: at('2026-11-22T15:00Z'), to: at('2026-11-22T16:00Z') },
    'week',
    'Asia/Kolkata',
    10,
  ) as number[];
  assert.is(week, at('2026-11-16T00:00+05:30'));
  const months = bucketsOf(
    { from: at('2026-01-31T23:00Z'), to: at('2026-03-01T00:00Z') },
    'month',
    'UTC',
    10,
  );
  assert.equal(
    months,
    ['01', '02', '03', '04'].map((month) => at(`2026-${month}-01T00:00Z`)),
  );
});

test('in every zone buckets ascend, cover what is asked for, and hold each moment once', () => {
  const zone = fc.constantFrom(
    ...['UTC', 'Europe/London', 'America/St_Johns', 'Asia/Kathmandu', 'Pacific/Apia', 'Africa/Casablanca'],
    ...['America/Sao_Paulo', 'Australia/Lord_Howe', 'Asia/Tehran'],
  );
  const moment = fc.integer({ min: at('1990-01-01T00:00Z'), max: at('2037-01-01T00:00Z') });
  fc.assert(
    fc.property(
      moment,
      fc.integer({ min: 0, max: 40 * hour }),
      fc.constantFrom(...bucketUnits),
      zone,
      (from, length, unit, name) => {
        const to = from + length;
        const bounds = bucketsOf({ from, to }, unit, name, 100_000) as number[];
        assert.ok((bounds[0] as number) <= from && (bounds.at(-1) as number) > to);
        assert.ok(bounds.every((bound, index) => index === 0 || bound > (bounds[index - 1] as number)));
        assert.ok(bounds.length < 3 || (bounds.at(-2) as number) <= to);
        assert.ok(bounds.length < 2 || (bounds[1] as number) > from);
      },
    ),
    { numRuns: 300 },
  );
});

test('more buckets than may be are none', () => {
  const day = { from: 0, to: 86_399_999 };
  assert.is(bucketsOf(day, 'hour', 'UTC', 24)?.length, 25);
  assert.is(bucketsOf(day, 'hour', 'UTC', 23), undefined);
});

test('a zone has the name that it has in the IANA database', () => {
  assert.ok(isTimeZone('Europe/London') && isTimeZone('UTC'));
  assert.not.ok(isTimeZone('Middle/Earth') || isTimeZone(''));
});

test.run();
