import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeBatch, type Entry } from '@loadline/sdk/telemetry';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Store } from '../store.ts';
import { delivery, device, firstGateway } from '../test-store.ts';
import type { DeliveryWrite, Outcome } from '../writes.ts';
import type { Aggregate } from './aggregate.ts';
import { physicalAt } from './readings.ts';

const wall = 1_790_000_000_000;
const second = 1000;
const series = { device, tag: 7, aspect: 'heard' } as const;

async function commit(store: Store, write: DeliveryWrite): Promise<void> {
  const outcome = await new Promise<Outcome>((resolve) => store.write(write, resolve));
  if (outcome.kind !== 'delivery' || outcome.id === undefined) throw new Error(outcome.kind);
  store.index.add(write.device, decodeBatch(write.body), outcome.fresh, outcome.timeline, Date.now());
  store.indexed(outcome.id);
}

/** A reading a second whose value wanders; every 97th is no number. */
function readings(first: number, count: number): Entry[] {
  return Array.from({ length: count }, (_, index) => {
    const n = first + index;
    return {
      ...{ kind: 'reading', port: 'radio', base: 1, tag: series.tag, aspect: series.aspect },
      calibration: n % 500 < 250 ? undefined : { gain: 2, offset: 1 },
      monotonic: n * second,
      value: n % 97 === 0 ? { type: 'string', value: '?' } : { type: 'float64', value: Math.sin(n / 50) * n },
      ...{ flags: 0, status: 0, quality: { kind: 'none' } },
    } as Entry;
  });
}

/** The same, worked out reading by reading. */
async function oneByOne(store: Store, bounds: readonly number[]): Promise<Aggregate[]> {
  const found: { time: number; value: number | null }[] = [];
  for await (const page of store.readings({ ...series, from: 0, to: 9e15 })) {
    for (let row = 0; row < page.count; row++) {
      found.push({ time: page.times[row] as number, value: physicalAt(page, row) });
    }
  }
  return bounds.slice(0, -1).map((from, index) => {
    const to = bounds[index + 1] as number;
    const inside = found.filter(({ time }) => time >= from && time < to);
    const numbers = inside.flatMap(({ value }) => (value === null ? [] : [value]));
    const any = numbers.length > 0;
    return {
      ...{ from, to, count: inside.length, numbers: numbers.length },
      min: any ? Math.min(...numbers) : null,
      max: any ? Math.max(...numbers) : null,
      mean: any ? numbers.reduce((sum, value) => sum + value, 0) / numbers.length : null,
      first: numbers[0] ?? null,
      last: numbers.at(-1) ?? null,
    };
  });
}

/** Means are sums of sums: the last digits may differ. */
const rounded = (aggregates: readonly Aggregate[]) =>
  aggregates.map((one) => ({ ...one, mean: one.mean === null ? null : Number(one.mean.toPrecision(10)) }));

test('aggregates are what the readings say one by one: in deliveries, in chunks, and in both', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-aggregate-'));
  const options = { file: join(folder, 'loadline.db'), key: 'a5'.repeat(32), durability: 'off' as const };
  const store = await Store.open(options, assert.unreachable);
  try {
    await store.change({ steps: firstGateway, audit: [] });
    const anchor: Entry = { kind: 'anchor', monotonic: 0, wall, uncertainty: 5 };
    await commit(store, delivery(0, [anchor]));
    for (let first = 1; first < 9000; first += 300)
      await commit(store, delivery(first, readings(first, 300)));
    const bounds = (step: number) => Array.from({ length: 12 }, (_, index) => wall + index * step * second);
    const check = async () => {
      for (const step of [1, 60, 777, 5000]) {
        const aggregates = await store.read('aggregates', { ...series, bounds: bounds(step) });
        assert.equal(rounded(aggregates), rounded(await oneByOne(store, bounds(step))), `${step} s`);
      }
    };
    await check();
    await store.merge();
    await check();
    // What comes after the merge stands in a delivery, beside the chunks.
    await commit(store, delivery(9001, readings(9001, 300)));
    await check();
    assert.equal(await store.read('aggregates', { ...series, bounds: [] }), []);
  } finally {
    await store.close();
    rmSync(folder, { recursive: true });
  }
});

test.run();
