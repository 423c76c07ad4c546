import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  formatAge,
  formatBytes,
  formatCount,
  formatDuration,
  formatFloat,
  formatTimeOfDay,
  formatValue,
  isStale,
} from './format.ts';

const test = suite('values, ages and times in words');

test('floats have five significant digits and at most three decimals', () => {
  const cases: [number, string][] = [
    [3.4567891, '3.457'],
    [21.38, '21.380'],
    [102.4, '102.40'],
    [-1024.66, '\u22121024.7'],
    [123456.7, '123457'],
    [0, '0.000'],
    [0.25, '0.250'],
  ];
  for (const [value, words] of cases) assert.is(formatFloat(value), words);
});

test('small floats have five decimals, and tiny and huge ones an exponent', () => {
  assert.is(formatFloat(0.00123456), '0.00123');
  assert.is(formatFloat(-0.000868), '\u22120.00087');
  assert.is(formatFloat(-2.5e-9), '\u22122.50e\u22129');
  assert.is(formatFloat(3.4e38), '3.4000e38');
});

test('a value that rounds up over a power of ten stays readable', () => {
  assert.is(formatFloat(9.9999), '10.000');
  assert.is(formatFloat(99999.6), '100000');
});

test('whole numbers have their thousands set apart', () => {
  assert.is(formatCount(1234567), '1\u202f234\u202f567');
  assert.is(formatCount(999), '999');
  assert.is(formatValue({ type: 'int32', value: -12345 }), '\u221212\u202f345');
});

test('every type of value has words', () => {
  assert.is(formatValue({ type: 'none' }), '\u2013');
  assert.is(formatValue({ type: 'float32', value: 5 }), '5.000');
  assert.is(formatValue({ type: 'nonFinite', bits: '7fc00000' }), 'not a number');
  assert.is(formatValue({ type: 'string', value: 'OPEN' }), 'OPEN');
  assert.is(formatValue({ type: 'binary', value: 'AP8Q' }), '00 ff 10');
});

test('an age is in the largest unit that fits, and a time ahead of the clock is now', () => {
  assert.is(formatAge(-5_000), 'now');
  assert.is(formatAge(999), 'now');
  assert.is(formatAge(2_000), '2 s ago');
  assert.is(formatAge(59_999), '59 s ago');
  assert.is(formatAge(60_000), '1 min ago');
  assert.is(formatAge(3 * 3_600_000), '3 h ago');
  assert.is(formatAge(50 * 3_600_000), '2 d ago');
});

test('a reading is stale when it is older than three intervals', () => {
  assert.is(isStale(30_000, 10), false);
  assert.is(isStale(30_001, 10), true);
});

test('a fast sensor is not stale for the time its readings travel', () => {
  assert.is(isStale(4_000, 0.1), false);
  assert.is(isStale(5_001, 0.1), true);
});

test('a sensor of unknown interval is never stale', () => {
  assert.is(isStale(1e12, null), false);
});

test('an axis shows seconds only where its marks differ by them', () => {
  const time = new Date(2026, 10, 22, 9, 5, 7).getTime();
  assert.is(formatTimeOfDay(time, 60_000), '09:05');
  assert.is(formatTimeOfDay(time, 10_000), '09:05:07');
});

test('bytes are told in the unit that fits, and never as a thousand of one', () => {
  const told = [0, 999, 1_000, 9_949, 9_950, 999_499, 999_500, 2_400_000, 7e9, 5e15].map(formatBytes);
  assert.equal(told, [
    '0\u00a0B',
    '999\u00a0B',
    '1.0\u00a0kB',
    '9.9\u00a0kB',
    '10\u00a0kB',
    '999\u00a0kB',
    '1.0\u00a0MB',
    '2.4\u00a0MB',
    '7.0\u00a0GB',
    '5\u202f000\u00a0TB',
  ]);
});

test('a length of time is told in its two largest units', () => {
  const told = [0, 59.4, 60, 3_599, 3_600, 86_399, 90_000, 100_000_000].map(formatDuration);
  assert.equal(told, [
    '0 s',
    '59 s',
    '1 min 0 s',
    '59 min 59 s',
    '1 h 0 min',
    '23 h 59 min',
    '1 d 1 h',
    '1\u202f157 d 9 h',
  ]);
});

test.run();
