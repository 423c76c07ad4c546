import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { limits } from '../../contract/index.ts';
import type { Dropped } from './events.ts';
import { packOf } from './pack.ts';
import { Queue, type QueueBounds } from './queue.ts';
import { MemoryShelf } from './shelf.ts';

const test = suite('queue');

function openQueue(bounds: Partial<QueueBounds> = {}): { queue: Queue; dropped: Dropped[] } {
  const dropped: Dropped[] = [];
  const queue = new Queue({
    shelf: new MemoryShelf(),
    bounds: { bytes: 16 * 1024 * 1024, readings: 500_000, ...bounds },
    now: () => 1_795_000_000_000,
    onDropped: (one) => dropped.push(one),
  });
  return { queue, dropped };
}

const reading = (value: number) => ({ name: 'n', value, time: 1_795_000_000_000 + value });

async function drain(queue: Queue): Promise<number[]> {
  const values: number[] = [];
  for (let taken = await queue.take(); taken !== undefined; taken = await queue.take()) {
    values.push(...taken.readings.map(({ value }) => Number(value)));
    queue.retire();
  }
  return values;
}

test('what comes while a delivery is under way is the next one, together', async () => {
  const { queue } = openQueue();
  queue.append([reading(1)]);
  const first = await queue.take();
  queue.append([reading(2)]);
  queue.append([reading(3)]);
  assert.equal((await queue.take())?.readings, first?.readings);
  queue.retire();
  const second = await queue.take();
  assert.equal(
    second?.readings.map(({ value }) => value),
    [2, 3],
  );
  assert.ok((second?.number ?? 0) > (first?.number ?? 0));
});

test('where it is full the oldest goes, is said to, and what is under way stays', async () => {
  const { queue, dropped } = openQueue({ readings: 16 });
  queue.append([reading(0)]);
  const taken = await queue.take();
  for (let value = 1; value <= 100; value++) queue.append([reading(value)]);
  assert.ok(queue.readings <= 16);
  assert.equal((await queue.take())?.key, taken?.key);
  const left = await drain(queue);
  const lost = dropped.reduce((sum, { readings }) => sum + readings, 0);
  assert.equal(left, [0, ...Array.from({ length: left.length - 1 }, (_, index) => lost + 1 + index)]);
  assert.is(left.at(-1), 100);
  assert.is(left.length + lost, 101);
  assert.equal([dropped[0]?.from, dropped.at(-1)?.to], [reading(1).time, reading(lost).time]);
});

test('bytes are bounded like readings', async () => {
  const { queue, dropped } = openQueue({ bytes: 16 * 1024 });
  for (let value = 0; value < 2000; value++) queue.append([reading(value)]);
  assert.ok(queue.bytes <= 16 * 1024);
  assert.ok(queue.bytes > 12 * 1024);
  assert.is((await drain(queue)).length + dropped.reduce((sum, { readings }) => sum + readings, 0), 2000);
});

test('whatever is sent comes out once, in its order, in deliveries that the cloud takes', async () => {
  const text = fc.string({ unit: 'binary', maxLength: 64 });
  const value = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), text);
  const named = fc.record(
    {
      name: fc.constantFrom('a', 'x'.repeat(64)),
      value,
      time: fc.integer({ min: 300_000_000_000, max: 3_000_000_000_000 }),
    },
    { noNullPrototype: true },
  );
  const sends = fc.array(fc.array(named, { maxLength: 500, size: 'max' }), { maxLength: 12, size: 'max' });
  await fc.assert(
    fc.asyncProperty(sends, async (all) => {
      const sent = all.map((some) =>
        some.filter(({ value }) => typeof value !== 'string' || value.isWellFormed()),
      );
      const { queue } = openQueue();
      const came = [];
      for (const some of sent) {
        queue.append(some);
        const taken = await queue.take();
        if (taken === undefined) continue;
        assert.ok(packOf(taken.readings).length <= limits.batchBytes);
        assert.ok(taken.readings.length <= limits.batchEntries);
        came.push(...taken.readings);
        queue.retire();
      }
      for (let taken = await queue.take(); taken !== undefined; taken = await queue.take()) {
        came.push(...taken.readings);
        queue.retire();
      }
      assert.equal(came, sent.flat());
      assert.equal([queue.readings, queue.bytes], [0, 0]);
    }),
    { numRuns: 20 },
  );
});

test.run();
