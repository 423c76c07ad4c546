import { randomBytes } from 'node:crypto';
import { limits } from '@loadline/sdk/contract';
import { jsonLog } from '@loadline/sdk/platform';
import { decodeBatch, type Entry, entriesOf, type NumberRange } from '@loadline/sdk/telemetry';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../clock/index.ts';
import type { Journal, Sent } from '../journal/index.ts';
import type { Link } from './link.ts';
import { reading, TestJournals } from './test-journal.ts';
import { contestedDelay, Uplink } from './uplink.ts';

const test = suite('uplink');

/** One connection as the far end sees it: what was published on it, and the means to answer or to cut it. */
class FarEnd {
  readonly published: { numbers: number[]; dropped: readonly NumberRange[]; acknowledge: () => void }[] = [];
  readonly link: { -readonly [K in keyof Link]: Link[K] };
  #close: (reason: string) => void = () => {};
  #lost = new Set<(error: Error) => void>();

  constructor() {
    const closed = new Promise<string>((resolve) => {
      this.#close = resolve;
    });
    this.link = {
      closed,
      notice: undefined,
      close: async () => this.cut('closed by this gateway'),
      publish: (_channel, payload) =>
        new Promise((resolve, reject) => {
          const batch = decodeBatch(payload as Uint8Array);
          const numbers = entriesOf(batch).map((_, index) => batch.first + index);
          this.#lost.add(reject);
          this.published.push({ numbers, dropped: batch.dropped, acknowledge: resolve });
        }),
    };
  }

  cut(reason: string, notice?: string): void {
    this.link.notice = notice;
    for (const reject of this.#lost) reject(new Error(reason));
    this.#close(reason);
  }
}

const journals = new TestJournals();
test.after.each(() => journals.closeAll());

/** `unreachable`: so many attempts at a link fail first. */
async function bench(given?: Journal, unreachable = 0) {
  let attempts = 0;
  const journal = given ?? (await journals.open());
  const farEnds: FarEnd[] = [];
  const acknowledged: number[] = [];
  const waits: unknown[] = [];
  const uplink = new Uplink({
    journal,
    clock: systemClock(),
    windowBytes: 1024 * 1024,
    maxDelay: 0,
    connect: async () => {
      if (attempts++ < unreachable) throw new Error('connect ENETUNREACH');
      const farEnd = new FarEnd();
      farEnds.push(farEnd);
      return farEnd.link;
    },
    onConnected: () => {},
    onDisconnected: () => {},
    onAcknowledged: (times) => acknowledged.push(...times),
    random: () => 0,
    log: { ...jsonLog(() => {}, Date.now), warn: (_event, fields) => waits.push(fields?.retryMs) },
  });
  const append = (...tags: number[]): void => {
    for (const tag of tags) {
      journal.append(reading(tag));
      uplink.appended(reading(tag));
    }
  };
  return { journal, uplink, farEnds, acknowledged, append, waits };
}

async function until(condition: () => boolean): Promise<void> {
  const limit = Date.now() + 30_000;
  while (!condition()) {
    assert.ok(Date.now() < limit, 'waited 30 s in vain');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

test('where there is no network at its start it tries again, and sends what came meanwhile', async () => {
  const { journal, uplink, farEnds, append, waits } = await bench(undefined, 3);
  uplink.start();
  append(1, 2);
  await until(() => farEnds.length === 1);
  append(3);
  assert.is(waits.length, 3);
  assert.ok(uplink.disconnects.every(({ reason }) => reason === 'connect ENETUNREACH'));
  await until(() => {
    for (const { acknowledge } of farEnds[0]?.published ?? []) acknowledge();
    return journal.held === 0;
  });
  await uplink.stop();
});

test('retires numbers on their acknowledgement, and on nothing else', async () => {
  const { journal, uplink, farEnds, acknowledged, append } = await bench();
  uplink.start();
  await until(() => uplink.isConnected);
  append(1, 2);
  await until(() => farEnds[0]?.published.length === 1);
  assert.equal(farEnds[0]?.published[0]?.numbers, [0, 1]);
  assert.equal([journal.held, uplink.inFlight], [2, 2]);
  farEnds[0]?.published[0]?.acknowledge();
  await until(() => journal.held === 0);
  assert.is(acknowledged.length, 2);
  assert.is(uplink.inFlight, 0);
  await uplink.stop();
});

test('sends again on the next connection all that the last one left unacknowledged', async () => {
  const { journal, uplink, farEnds, append } = await bench();
  uplink.start();
  await until(() => uplink.isConnected);
  append(1);
  await until(() => farEnds[0]?.published.length === 1);
  append(2, 3);
  farEnds[0]?.cut('reset');
  await until(() => farEnds[1]?.published.length === 1);
  assert.equal(
    uplink.disconnects.map(({ reason }) => reason),
    ['reset'],
  );
  assert.is(uplink.connections, 2);
  assert.equal(farEnds[1]?.published[0]?.numbers, [0, 1, 2]);
  // The old connection's answer comes too late to be believed, and does no harm.
  farEnds[0]?.published[0]?.acknowledge();
  assert.is(journal.held, 3);
  farEnds[1]?.published[0]?.acknowledge();
  await until(() => journal.held === 0);
  await uplink.stop();
});

test('comes back after minutes where another process has its identity, and reads on meanwhile', async () => {
  const { journal, uplink, farEnds, append, waits } = await bench();
  uplink.start();
  await until(() => uplink.isConnected);
  append(1);
  farEnds[0]?.cut('the cloud said identity-contested: …', 'identity-contested');
  await until(() => waits.length === 1);
  // With the least draw there is: 0.
  assert.equal(waits, [60_000]);
  append(2, 3);
  assert.is(journal.held, 3);
  await uplink.stop();
  assert.is(farEnds.length, 1);
});

test('waits for a contest between one and four minutes, longer each time up to that', () => {
  const bounds = [1, 2, 3, 100].map((contests) =>
    [0, 1].map((draw) => contestedDelay(contests, draw) / 1000),
  );
  assert.equal(bounds, [
    [60, 120],
    [120, 240],
    [120, 240],
    [120, 240],
  ]);
});

test('declares what was dropped until a batch that says so is acknowledged', async () => {
  const { journal, uplink, farEnds, append } = await bench(await journals.open(64 * 1024));
  append(...Array(8000).keys());
  const oldest = journal.heldRanges()[0]?.first ?? 0;
  assert.ok(oldest > 0);
  const dropped = [{ first: 0, last: oldest - 1 }];
  uplink.start();
  await until(() => farEnds[0]?.published[0] !== undefined);
  assert.is(farEnds[0]?.published[0]?.numbers[0], oldest);
  assert.equal(farEnds[0]?.published[0]?.dropped, dropped);
  farEnds[0]?.cut('reset');
  await until(() => farEnds[1]?.published[0] !== undefined);
  assert.equal(farEnds[1]?.published[0]?.dropped, dropped);
  await until(() => {
    for (const { acknowledge } of farEnds[1]?.published ?? []) acknowledge();
    return journal.held === 0;
  });
  append(6);
  await until(() => farEnds[1]?.published.at(-1)?.dropped.length === 0);
  await uplink.stop();
});

test('declares drops that no entries are left to travel with', async () => {
  const journal = await journals.open();
  const header = { epoch: 'e'.repeat(32), parent: undefined, boot: '0'.repeat(32), oldest: 7, first: 7 };
  const run = {
    position: -1,
    count: 0,
    header: { ...header, dropped: [{ first: 0, last: 6 }] },
    entries: [],
    bytes: 0,
  };
  const acknowledged: Sent[] = [];
  // A journal whose epoch before last was dropped whole: all but that is the real one.
  const worn = new Proxy(journal, {
    get: (target, name) => {
      if (name === 'declaration') return () => (acknowledged.length === 0 ? run : undefined);
      if (name === 'acknowledge') return (each: Sent) => acknowledged.push(each);
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const { uplink, farEnds } = await bench(worn);
  uplink.start();
  await until(() => farEnds[0]?.published.length === 1);
  assert.equal(farEnds[0]?.published[0]?.dropped, run.header.dropped);
  assert.equal(farEnds[0]?.published[0]?.numbers, []);
  farEnds[0]?.published[0]?.acknowledge();
  await until(() => acknowledged.length === 1);
  const [sent] = acknowledged;
  assert.equal([sent?.position, sent?.count, sent?.header], [run.position, 0, run.header]);
  await uplink.stop();
  assert.is(farEnds[0]?.published.length, 1);
});

test('never cuts a batch that cannot be encoded, whatever is in it', async () => {
  const entries: Entry[] = Array.from({ length: 20_000 }, (_, index) => ({
    ...reading(index),
    port: `port ${index % 64}`,
    base: index % 17,
    monotonic: (index % 2) * 2 ** 40 + index,
    value: index < 10_000 ? { type: 'none' } : { type: 'binary', value: randomBytes(64) },
    flags: index & 0xe0,
    status: (index * 7) & 0xff,
    quality: { kind: 'radio', rssi: (index * 31) & 0xff, cv: (index * 17) & 0xff },
  }));
  const { journal, uplink, farEnds } = await bench();
  for (const entry of entries) journal.append(entry);
  uplink.start();
  let answered = 0;
  while (journal.held > 0) {
    await until(() => farEnds[0]?.published[answered] !== undefined);
    farEnds[0]?.published[answered++]?.acknowledge();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const numbers = farEnds[0]?.published.flatMap((batch) => batch.numbers) ?? [];
  assert.equal(numbers, [...entries.keys()]);
  await uplink.stop();
});

test('drains until all is acknowledged, or until its limit', async () => {
  const { journal, uplink, farEnds, append } = await bench();
  uplink.start();
  await until(() => uplink.isConnected);
  append(1);
  await uplink.drain(50);
  assert.is(journal.held, 1);
  const drained = uplink.drain(60_000);
  farEnds[0]?.published[0]?.acknowledge();
  await drained;
  assert.is(journal.held, 0);
  await uplink.stop();
});

test('a backlog of more ports than one batch may name travels in several', async () => {
  const { journal, uplink, farEnds } = await bench();
  const ports = 3 * limits.batchPorts;
  for (let port = 0; port < ports; port++) journal.append({ ...reading(), port: `port-${port}` });
  uplink.start();
  const published = () => farEnds.flatMap((farEnd) => farEnd.published);
  for (let acknowledged = 0; journal.held > 0; acknowledged++) {
    await until(() => published().length > acknowledged);
    published()[acknowledged]?.acknowledge();
    await new Promise((resolve) => setTimeout(resolve));
  }
  assert.equal(
    published().flatMap(({ numbers }) => numbers),
    Array.from({ length: ports }, (_, number) => number),
  );
  assert.is(farEnds.length, 1);
  await uplink.stop();
});

test.run();
