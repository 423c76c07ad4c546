import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Occurrence } from '../../alarms/index.ts';
import { type Device, Directory } from '../../router/index.ts';
import { Store, step } from '../../store/index.ts';
import { Contests, type Decision } from './contests.ts';

const test = suite('the place of a gateway, kept');

const minute = 60_000;
const [a = '', b = '', c = ''] = ['a', 'b', 'c'].map((letter) => letter.repeat(32));

const folder = mkdtempSync(join(tmpdir(), 'loadline-contests-'));
const store = await Store.open(
  { file: join(folder, 'loadline.db'), key: 'a5'.repeat(32) },
  assert.unreachable,
);
const first = { id: 'first', name: 'First', created: 0 };
await store.change({ steps: [step('createOrganisation', first)], audit: [] });
let gateways = 0;

/** What a cloud knows of one gateway, a new one for each test, with a clock that stands until it is moved. */
class Memory {
  now = 0;
  readonly raised: Occurrence[] = [];
  contests!: Contests;
  /** The epoch of the link that stands. */
  standing: string | undefined;
  readonly device: Device;

  private constructor(device: Device) {
    this.device = device;
  }

  static async open(): Promise<Memory> {
    const id = `mast-${++gateways}`;
    await store.change({
      steps: [step('addDevice', { id, organisation: 'first', kind: 'gateway' })],
      audit: [],
    });
    const memory = new Memory((await Directory.load(store)).device(id) as Device);
    memory.#begin();
    return memory;
  }

  /** Starts the cloud again on what it kept. No link stands then. */
  async restart(): Promise<void> {
    await this.kept();
    this.standing = undefined;
    this.#begin();
  }

  async kept(): Promise<void> {
    await (await this.contests.place(this.device)).kept;
  }

  #begin(): void {
    this.contests = new Contests({
      store,
      alarms: { raise: (occurrence) => void this.raised.push(occurrence) },
      log: { info: () => {}, warn: () => {}, error: assert.unreachable },
      now: () => 1_790_000_000_000 + this.now,
      monotonic: () => this.now,
    });
  }

  async connect(epoch: string, source = '192.0.2.1', began = this.now): Promise<Decision> {
    const place = await this.contests.place(this.device);
    const isStanding = this.standing !== undefined;
    const decision = this.contests.decide(place, { device: this.device, epoch, source, began, isStanding });
    if (decision === 'admitted') this.standing = epoch;
    return decision;
  }

  async leave(how: 'for-good' | 'lost'): Promise<void> {
    this.standing = undefined;
    this.contests.left(await this.contests.place(this.device), how);
  }
}

let memory: Memory;
test.before.each(async () => {
  memory = await Memory.open();
});
test.after(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

/** The addresses of each alarm. */
const sources = () => memory.raised.map(({ seen }) => seen.epochs.map(({ source }) => source));

test('of two that are alive the link that stands stays; the other is refused, with both addresses in the alarm', async () => {
  assert.is(await memory.connect(a, '192.0.2.1'), 'admitted');
  // It may be a start of the same gateway: it takes the link.
  assert.is(await memory.connect(b, '198.51.100.2'), 'admitted');
  assert.equal(memory.raised, []);
  assert.is(await memory.connect(a, '192.0.2.1'), 'contested');
  assert.equal(sources(), [['198.51.100.2', '192.0.2.1']]);
  assert.equal(
    memory.raised[0]?.seen.epochs.map(({ epoch }) => epoch),
    [b, a],
  );
  assert.is(memory.standing, b);
});

test('the refused one is let in once the link that stood is gone, at once where it took its leave', async () => {
  for (const epoch of [a, b]) await memory.connect(epoch);
  await memory.leave('lost');
  memory.now += minute - 1;
  assert.is(await memory.connect(a), 'contested');
  memory.now += 1;
  assert.is(await memory.connect(a), 'admitted');
  assert.is(await memory.connect(b), 'contested');
  await memory.leave('for-good');
  assert.is(await memory.connect(b), 'admitted');
});

test('a link that is lost and made again at once keeps its place', async () => {
  for (const epoch of [a, b]) await memory.connect(epoch);
  await memory.leave('lost');
  assert.is(await memory.connect(a), 'contested');
  assert.is(await memory.connect(b), 'admitted');
});

test('the rule holds over a restart of the cloud', async () => {
  for (const epoch of [a, b]) await memory.connect(epoch);
  await memory.restart();
  // Whoever had the link has a minute to come back to it.
  assert.is(await memory.connect(a), 'contested');
  assert.is(memory.raised.length, 1);
  assert.is(await memory.connect(b), 'admitted');
  await memory.restart();
  memory.now += minute;
  assert.is(await memory.connect(a), 'admitted');
  assert.is(memory.raised.length, 2);
  assert.is(await memory.connect(b), 'contested');
});

test('what is forgotten of a place that nobody has is read again', async () => {
  for (const epoch of [a, b]) await memory.connect(epoch);
  await memory.leave('for-good');
  memory.now += 2 * minute;
  await memory.contests.sweep(() => false);
  assert.is(await memory.connect(a), 'admitted');
  assert.is(memory.raised.length, 1);
});

test('a plain restart, and a crash loop of a hundred, raise nothing', async () => {
  for (let start = 0; start < 100; start++) {
    memory.now += 100;
    assert.is(await memory.connect(start.toString(16).padStart(32, '0')), 'admitted');
    if (start % 3 === 0) await memory.leave('lost');
  }
  assert.equal(memory.raised, []);
  await memory.kept();
  assert.is((await store.read('statedEpochs', { device: memory.device.number })).length, 32);
});

test('the same process from another address takes over a half-open link, and raises nothing', async () => {
  await memory.connect(a, '192.0.2.1');
  assert.is(await memory.connect(a, '198.51.100.2'), 'admitted');
  assert.is(await memory.connect(a, '192.0.2.1'), 'admitted');
  await memory.restart();
  assert.is(await memory.connect(a, '203.0.113.3'), 'admitted');
  assert.equal(memory.raised, []);
});

test('the last known address is told, also after a restart of the cloud', async () => {
  await memory.connect(a, '192.0.2.1');
  for (const source of ['198.51.100.2', '203.0.113.3']) await memory.connect(b, source);
  await memory.restart();
  await memory.connect(a, '192.0.2.1');
  assert.equal(sources(), [['203.0.113.3', '192.0.2.1']]);
});

test('a CONNECT that was on its way while its process ended and another began raises nothing, and takes nothing', async () => {
  await memory.connect(a);
  memory.now = 1000;
  await memory.connect(b);
  assert.is(await memory.connect(a, '192.0.2.1', 999), 'late');
  assert.is(memory.standing, b);
  assert.equal(memory.raised, []);
});

test('a cloud restored from a backup knows less, and raises nothing of one gateway', async () => {
  // Of the backup is what an earlier cloud knew: the process before. Since then the gateway has started twice.
  await memory.connect(a);
  await memory.restart();
  assert.is(await memory.connect(c), 'admitted');
  assert.equal(memory.raised, []);
});

test('a copy whose certificate was renewed by the other is told of, though it is not let in', async () => {
  await memory.connect(a, '192.0.2.1');
  await memory.connect(b, '198.51.100.2');
  const place = await memory.contests.place(memory.device);
  const { device } = memory;
  memory.contests.superseded(place, { device, epoch: b, source: '198.51.100.2', began: 0 });
  assert.equal(memory.raised, []);
  memory.contests.superseded(place, { device, epoch: a, source: '192.0.2.1', began: 0 });
  assert.equal(sources(), [['198.51.100.2', '192.0.2.1']]);
});

test.run();
