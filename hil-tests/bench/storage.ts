import { encodeChunk } from '@loadline/cloud/store/codec';
import { device } from '@loadline/cloud/store/test-store';
import { SeededRandom } from '../rig/random.ts';
import type { Bench, BenchRow } from './bench.ts';
import { rounded } from './figures.ts';
import { FilledStore, SlowSensor, slowSensors } from './filled-store.ts';

const sensors = 10;
/** Two hours and a half: two full chunks of each. */
const seconds = 9000;
const fullChunk = 4096;

interface Case {
  /** Readings of each sensor in a delivery. */
  readonly perDelivery: number;
}

const cases: readonly Case[] = [{ perDelivery: 10 }, { perDelivery: 1 }];

export const storageBench: Bench = {
  watched: {
    bytesAReading: 'less',
    bytesAReadingInFile: 'less',
    bytesAReadingUnmerged: 'less',
    mergedReadingsPerSecond: 'more',
  },
  run: benchStorage,
};

/**
 * Bytes that a reading takes in the store once it is merged, and how fast that goes. The bench writes as fast as the store
 * takes it, so that arrivals stand closer together than they would: the same readings are encoded once more with the
 * arrivals they would have had.
 *
 * @throws Error where not every reading is in a chunk
 */
async function benchStorage(): Promise<readonly BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const one of cases) rows.push(await measure(one));
  return rows;
}

async function measure({ perDelivery }: Case): Promise<BenchRow> {
  const filled = await FilledStore.open();
  try {
    const { store } = filled;
    const empty = (await store.read('storage', {})).usedBytes;
    const all = Array.from({ length: sensors }, (_, index) => new SlowSensor(index + 1));
    for (let second = 0; second < seconds; second += perDelivery) {
      const entries = Array.from({ length: perDelivery }, (_, at) =>
        all.map((sensor) => sensor.at(second + at)),
      );
      await filled.deliver(entries.flat());
    }
    await filled.settled();
    const came = await store.read('storage', {});
    const began = performance.now();
    await store.merge();
    const mergeSeconds = (performance.now() - began) / 1000;
    const merged = await store.read('storage', {});
    const total = sensors * seconds;
    if (merged.readings !== total)
      throw new Error(`${total} readings came, ${merged.readings} are in chunks`);
    return {
      name: `${sensors} x ${perDelivery} a delivery`,
      dataSet: `${sensors} sensors of a device, ${slowSensors}`,
      readings: total,
      chunks: merged.chunks,
      arrivals: 'each delivery written 12 ms + |N(0, 8 ms)| after its last reading',
      bytesAReading: rounded(await bytesWithArrivals(filled, perDelivery), 2),
      bytesAReadingAsWritten: rounded(merged.bodyBytes / total, 2),
      bytesAReadingInFile: rounded((merged.usedBytes - empty) / total, 2),
      bytesAReadingUnmerged: rounded((came.usedBytes - empty) / total, 2),
      mergedReadingsPerSecond: Math.round((total - came.readings) / mergeSeconds),
    };
  } finally {
    await filled.close();
  }
}

/** Of one sensor's readings, in full chunks, had their deliveries come when they would have. */
async function bytesWithArrivals({ store }: FilledStore, perDelivery: number): Promise<number> {
  const random = new SeededRandom(11);
  let [bytes, count] = [0, 0];
  for await (const readings of store.readings(
    { device, tag: 1, aspect: 'heard', from: 0, to: 9e15 },
    fullChunk,
  )) {
    if (readings.count < fullChunk) break;
    const arrivals = new Float64Array(readings.count);
    for (let row = 0; row < readings.count; row += perDelivery) {
      const end = Math.min(row + perDelivery, readings.count);
      const arrival = (readings.times[end - 1] as number) + 12 + Math.round(Math.abs(random.normal()) * 8);
      arrivals.fill(arrival, row, end);
    }
    const { plot, rest } = encodeChunk({ ...readings, arrivals });
    bytes += plot.length + rest.length;
    count += readings.count;
  }
  return bytes / count;
}
