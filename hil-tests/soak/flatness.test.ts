// What is called flat, and what is found out; and that the plot shows both programs.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SeededRandom } from '../rig/random.ts';
import { flatness } from './flatness.ts';
import { growth, programs } from './held.ts';
import { judgeLoad } from './judge.ts';
import { memoryPlot } from './plot.ts';
import { type Sample, samplesCsv } from './samples.ts';

const limit = 10;

/** Half an hour of memory, a sample every five seconds. */
function halfHour(memory: (seconds: number, random: SeededRandom) => number) {
  const random = new SeededRandom(1);
  return Array.from({ length: 361 }, (_, at) => ({ seconds: at * 5, value: memory(at * 5, random) }));
}

test('a program that warms up, collects now and then and is noisy is flat', () => {
  const warmUp = (seconds: number) => 60 * (1 - Math.exp(-seconds / 120));
  const found = flatness(
    halfHour(
      (seconds, random) => 100 + warmUp(seconds) + ((seconds / 5) % 7) * 8 + Math.abs(random.normal()) * 5,
    ),
    limit,
  );
  assert.ok(found?.isFlat, JSON.stringify(found));
});

test('a leak of a MiB a minute is found under the same noise', () => {
  const found = flatness(
    halfHour(
      (seconds, random) => 100 + seconds / 60 + ((seconds / 5) % 7) * 8 + Math.abs(random.normal()) * 5,
    ),
    limit,
  );
  assert.not(found?.isFlat, JSON.stringify(found));
  assert.ok(Math.abs((found?.growthAnHour ?? 0) - 60) < 6, JSON.stringify(found));
});

test('one descriptor a minute that is not given back is found', () => {
  assert.not(
    flatness(
      halfHour((seconds) => 25 + Math.floor(seconds / 60)),
      4,
    )?.isFlat,
  );
});

test('one peak, however high, is no growth', () => {
  assert.ok(
    flatness(
      halfHour((seconds) => (seconds === 1500 ? 900 : 100)),
      limit,
    )?.isFlat,
  );
});

test('of a run that is too short nothing is said', () => {
  assert.is(flatness(halfHour(() => 1).slice(0, 100), limit), undefined);
});

const sample = (seconds: number, faults: readonly string[]): Sample => ({
  seconds,
  gateway: { memory: 80 + seconds, descriptors: 25 },
  cloud: { memory: 300, descriptors: 60 },
  inUse: 120,
  held: 3,
  faults,
});

test('a gateway that grows is told, and a cloud of which only what lies about does is not', () => {
  const run = (gateway: number, resident: number, inUse: number) =>
    growth(
      programs(
        Array.from({ length: 361 }, (_, at) => ({
          ...sample(at * 5, []),
          gateway: { memory: 80 + (gateway * at) / 361, descriptors: 25 },
          cloud: { memory: 300 + (resident * at) / 361, descriptors: 60 },
          inUse: 100 + (inUse * at) / 361,
        })),
      ),
    );
  assert.equal(run(5, 200, 5), []);
  assert.match(run(30, 0, 0).join(), /^memory of the gateway: it grew by (?:19|20)\./);
  assert.match(run(0, 0, 30).join(), /^memory that the cloud has in use: it grew by (?:19|20)\./);
});

test('the plot has a line for each program and one for what is in use, and what was wrong in grey; the table has it in words', () => {
  const samples = [sample(0, []), sample(5, ['frozen']), sample(10, [])];
  const svg = memoryPlot(samples);
  assert.is(svg.match(/<polyline/g)?.length, 3);
  assert.is(svg.match(/fill="#ececec"/g)?.length, 1);
  assert.not.match(svg, 'NaN');
  assert.is(samplesCsv(samples).split('\n')[2], '5.0,85,25,300,60,120,3,frozen');
});

test('a reading that is lost, twice, foreign or out of order is found; one that was sent in doubt is excused', () => {
  const at = (number: number, value: number, tag = 7) =>
    ({ number, reading: { tag, value: { type: 'int32', value } } }) as Parameters<
      typeof judgeLoad
    >[0] extends Iterable<infer One>
      ? One
      : never;
  const frames = (first: number, begunAt: number) => ({
    ...{ first, count: 2, begunAt, takenAt: begunAt + 1, isWhole: true },
  });
  const sent = {
    written: [frames(0, 0), frames(2, 100), frames(4, 200)],
    count: 6,
    tagOf: () => 7,
    doubts: [{ from: 90, to: 110 }],
  };
  assert.equal(judgeLoad([at(1, 0), at(2, 1), at(3, 4), at(4, 5)], sent), {
    ...{ sent: 6, stored: 4, lost: 0, twice: 0, foreign: 0, outOfOrder: 0, excused: 2 },
  });
  assert.equal(judgeLoad([at(1, 1), at(2, 0), at(3, 4), at(4, 4), at(5, 9), at(6, 5, 8)], sent), {
    ...{ sent: 6, stored: 4, lost: 1, twice: 1, foreign: 2, outOfOrder: 1, excused: 2 },
  });
});

test.run();
