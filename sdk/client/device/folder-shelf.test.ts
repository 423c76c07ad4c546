import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FolderInUse } from '../../platform/index.ts';
import { type Dropped, QueueError } from './events.ts';
import { FolderShelf } from './folder-shelf.ts';
import { Queue } from './queue.ts';

const test = suite('queue in a folder');

const bounds = { bytes: 16 * 1024 * 1024, readings: 500_000 };

let folder = '';
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'loadline-queue-'));
});
test.after.each(() => rmSync(folder, { recursive: true, force: true }));

async function openQueue(now = 1_795_000_000_000): Promise<{ queue: Queue; dropped: Dropped[] }> {
  const dropped: Dropped[] = [];
  const shelf = await FolderShelf.open(folder);
  return {
    queue: new Queue({ shelf, bounds, now: () => now, onDropped: (one) => dropped.push(one) }),
    dropped,
  };
}

const reading = (value: number) => ({ name: 'n', value, time: 1_795_000_000_000 + value });
const files = () => readdirSync(folder).filter((name) => name.endsWith('.readings'));

/** All that is in a queue, delivery by delivery. */
async function drain(queue: Queue): Promise<(readonly unknown[])[]> {
  const values = [];
  for (let taken = await queue.take(); taken !== undefined; taken = await queue.take()) {
    values.push(taken.readings.map(({ value }) => value));
    queue.retire();
  }
  return values;
}

test('what was sent is there for the next process, with its values, units and times', async () => {
  const readings = [
    { name: 'temp', value: -21.5e-7, unit: '%RH', time: 1_795_000_000_001 },
    { name: 'door', value: false, time: 1_795_000_000_002 },
    { name: 'note', value: 'a "quoted"\nline \u0007 ü 🙂', time: 1_795_000_000_003 },
  ];
  const first = await openQueue();
  first.queue.append(readings);
  await first.queue.close();
  const second = await openQueue();
  assert.is(second.queue.readings, 3);
  assert.equal((await second.queue.take())?.readings, readings);
  await second.queue.close();
});

test('a delivery that was taken is the same under the same key after a restart, and what came later is another', async () => {
  const first = await openQueue();
  first.queue.append([reading(1), reading(2)]);
  const taken = await first.queue.take();
  first.queue.append([reading(3)]);
  await first.queue.close();
  const second = await openQueue();
  second.queue.append([reading(4)]);
  assert.equal(await second.queue.take(), taken);
  assert.equal(await drain(second.queue), [[1, 2], [3], [4]]);
  await second.queue.close();
});

test('an end that a power cut has torn is cut, and nothing before it is lost', async () => {
  for (const torn of ['3d9c1c0', '3d9c1c0a n=9', '\0\0\0\0\0\0\0']) {
    const first = await openQueue();
    first.queue.append([reading(1), reading(2)]);
    await first.queue.close();
    const [name = ''] = files();
    const whole = readFileSync(join(folder, name), 'utf8');
    appendFileSync(join(folder, name), torn);
    const second = await openQueue();
    assert.is(readFileSync(join(folder, name), 'utf8'), whole);
    assert.equal(second.dropped, []);
    assert.equal(await drain(second.queue), [[1, 2]]);
    await second.queue.close();
  }
});

test('a reading that is not what was written is dropped, and said to be', async () => {
  const first = await openQueue();
  first.queue.append([reading(1), reading(2), reading(3)]);
  await first.queue.close();
  const [name = ''] = files();
  const text = readFileSync(join(folder, name), 'utf8');
  writeFileSync(join(folder, name), text.replace('n=2@', 'n=7@'));
  const second = await openQueue();
  assert.equal(second.dropped, [
    { kind: 'dropped', readings: 1, reason: 'damaged', from: undefined, to: undefined },
  ]);
  assert.equal(await drain(second.queue), [[1, 3]]);
  await second.queue.close();
});

test('a number is not used again, though all is delivered and the clock has gone back', async () => {
  const first = await openQueue(1_795_000_000_000);
  first.queue.append([reading(1)]);
  const taken = await first.queue.take();
  first.queue.retire();
  await first.queue.close();
  assert.is(first.queue.readings, 0);
  const second = await openQueue(1_700_000_000_000);
  assert.is(second.queue.readings, 0);
  second.queue.append([reading(2)]);
  assert.ok(((await second.queue.take())?.number ?? 0) > (taken?.number ?? 0));
  assert.is(files().length, 1);
  await second.queue.close();
});

test('files go with what is in them: one is left, for its number', async () => {
  const { queue } = await openQueue();
  for (let value = 0; value < 30; value++) {
    queue.append([reading(value)]);
    await queue.take();
    queue.append([reading(value + 100)]);
    queue.retire();
    await queue.take();
    queue.retire();
  }
  assert.is(files().length, 1);
  assert.is(queue.readings, 0);
  await queue.close();
});

test('a folder is of one process', async () => {
  const { queue } = await openQueue();
  const refused = await FolderShelf.open(folder).catch((error: Error) => error);
  assert.instance(refused, FolderInUse);
  await queue.close();
  await (await openQueue()).queue.close();
});

test('a folder that cannot be written is said to be when something is sent, and delivers when it can', async () => {
  const { queue } = await openQueue();
  queue.append([reading(1)]);
  await queue.take();
  rmSync(folder, { recursive: true });
  assert.throws(
    () => queue.append([reading(2)]),
    (error: Error) => {
      return (
        error instanceof QueueError &&
        error.message.startsWith(`the queue's folder ${folder} cannot be written`)
      );
    },
  );
  assert.is(queue.readings, 1);
});

test.run();
