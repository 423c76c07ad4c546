import { device } from '@loadline/cloud/store/test-store';
import { SeededRandom } from '../rig/random.ts';
import type { Bench, BenchOptions, BenchRow } from './bench.ts';
import { percentile, rounded } from './figures.ts';
import { begin, FilledStore, SlowSensor, slowSensors } from './filled-store.ts';

const daySeconds = 86_400;
const days = 365;
const points = 1000;
/** Readings of a delivery while the year is filled: a backlog. And of the last hour: as a gateway sends with max_delay 10 s. */
const backlog = 16_000;
const live = 10;
const lastSeconds = 3600;
/** Deliveries of the last hour that are not merged when the questions are asked. */
const unmerged = 60;

export const queryBench: Bench = {
  watched: { p50Milliseconds: 'less', p95Milliseconds: 'less' },
  run: benchQuery,
};

/**
 * How long plots take: the question to the store's reading thread and back, without HTTP. A year of one series at 1 Hz is filled
 * first, which takes some minutes; with `seconds` a shorter span of so many seconds.
 *
 * @throws Error where an answer does not hold the readings it must
 */
async function benchQuery({ seconds = days * daySeconds }: BenchOptions): Promise<readonly BenchRow[]> {
  const filled = await FilledStore.open();
  try {
    const { store } = filled;
    const sensor = new SlowSensor(1);
    const deliver = async (from: number, to: number) => {
      await filled.deliver(Array.from({ length: to - from }, (_, at) => sensor.at(from + at)));
    };
    const quiet = Math.max(0, seconds - lastSeconds);
    for (let second = 0; second < quiet; second += backlog) {
      await deliver(second, Math.min(quiet, second + backlog));
      if (second % (backlog * 200) === 0) await store.merge();
    }
    for (let second = quiet; second < seconds; second += live) {
      await deliver(second, second + live);
      if (second === seconds - live * unmerged) {
        await filled.settled();
        await store.merge();
      }
    }
    await filled.settled();
    const { chunks } = await store.read('storage', {});
    const random = new SeededRandom(7);
    const ask = async (from: number, spanSeconds: number) => {
      const [start, end] = [begin + from * 1000, begin + (from + spanSeconds) * 1000 - 1];
      const began = performance.now();
      const { count } = await store.read('range', {
        device,
        tag: 1,
        aspect: 'heard',
        from: start,
        to: end,
        points,
      });
      const taken = performance.now() - began;
      if (Math.abs(count - spanSeconds) > 2) throw new Error(`${count} readings in ${spanSeconds} s at 1 Hz`);
      return taken;
    };
    const rows: BenchRow[] = [];
    const measure = async (name: string, span: number, times: number, from: () => number) => {
      const first = await ask(from(), span);
      const taken: number[] = [];
      for (let time = 0; time < times; time++) taken.push(await ask(from(), span));
      rows.push({
        name,
        dataSet:
          `one series of ${seconds} s at 1 Hz, ${slowSensors}; in ${chunks} chunks, filled from deliveries of ${backlog} ` +
          `readings, the last hour from deliveries of ${live}, of which ${unmerged} are not merged`,
        points,
        readings: span,
        asked: times,
        firstMilliseconds: rounded(first, 2),
        p50Milliseconds: rounded(percentile(taken, 0.5), 2),
        p95Milliseconds: rounded(percentile(taken, 0.95), 2),
      });
    };
    const anyDay = () => random.integer(0, Math.max(0, seconds - daySeconds - lastSeconds));
    const day = Math.min(daySeconds, seconds);
    await measure('a day, anywhere', day, 101, anyDay);
    await measure('the last day', day, 101, () => seconds - day);
    await measure('all of it', seconds, 21, () => 0);
    await measure('an hour, anywhere', Math.min(3600, seconds), 101, anyDay);
    return rows;
  } finally {
    await filled.close();
  }
}
