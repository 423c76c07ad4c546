import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from './clock.ts';
import { atWords, instantOf, inWords, Steps } from './steps.ts';

const test = suite('steps');

test('says by how much the wall clock was set, once, and lets small slews pass', () => {
  const steps = new Steps();
  const seen = [
    [1000, 1_000_000],
    [3000, 1_002_400],
    [5000, 1_004_500],
    [7000, 1_006_501],
    [9000, 1_008_501],
    [11_000, 1_000_001],
  ].map(([monotonic = 0, wall = 0]) => steps.look({ monotonic, wall }));
  assert.equal(seen, [0, 0, 0, 501, 0, -10_500]);
});

test('a pause between reading the two clocks is no step', () => {
  let up = 0;
  let calls = 0;
  const clock = {
    monotonic: () => up,
    wall: () => {
      const wall = up;
      // The process is held up once, right between the two.
      up += calls++ === 0 ? 700 : 0.01;
      return wall;
    },
  };
  const { monotonic, wall } = instantOf(clock);
  assert.ok(Math.abs(wall - monotonic) < 1);
});

test("the machine's own clocks are of one boot and go forward", () => {
  const clock = systemClock();
  assert.match(clock.boot, /^[0-9a-f]{32}$/);
  const one = instantOf(clock);
  const other = instantOf(clock);
  assert.ok(other.monotonic >= one.monotonic);
  assert.is(new Steps().look(one), 0);
});

test('lengths and times in words', () => {
  assert.is(inWords(-3210), '3.2 s');
  assert.is(inWords(3_661_000), '1 h 1 min');
  assert.is(inWords(125_000), '2 min 5 s');
  assert.is(inWords(90_000_000_000), '1041 d 16 h');
  assert.is(atWords(0), '1970-01-01T00:00:00.000Z');
  assert.is(atWords(1e20), '100000000000000000000 ms since 1970');
});

test.run();
