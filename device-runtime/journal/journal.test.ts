import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Journal } from './journal.ts';
import { PowerLossFolder } from './power-loss.ts';
import { boot, contentsOf, everything, openJournal, reading, runsOf, turn } from './testing.ts';

const test = suite('journal');

let folder = '';

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'loadline-journal-'));
});

test.after.each(() => rmSync(folder, { recursive: true, force: true }));

function fill(journal: Journal, count: number): void {
  for (let index = 0; index < count; index++) journal.append(reading(journal.next));
}

function diskBytes(): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`never: ${what}`);
    await turn();
  }
}

test('names every opening anew, numbers from 0, and names the epoch before and its last number', async () => {
  const first = await openJournal(folder);
  assert.match(first.epoch, /^[0-9a-f]{32}$/);
  fill(first, 3);
  assert.equal(runsOf(first)[0]?.header, {
    epoch: first.epoch,
    parent: undefined,
    boot,
    oldest: 0,
    first: 0,
    dropped: [],
  });
  await first.close();
  const second = await openJournal(folder, { boot: 'cc'.repeat(16) });
  fill(second, 2);
  const [old, own] = runsOf(second);
  assert.equal([old?.header.epoch, old?.header.boot, old?.header.first], [first.epoch, boot, 0]);
  assert.equal(own?.header.parent, { epoch: first.epoch, last: 2 });
  assert.equal([own?.header.epoch, own?.header.boot, own?.header.first], [second.epoch, 'cc'.repeat(16), 0]);
  assert.is(own?.position, 3);
  await second.close();
  // The chain holds where nothing was held, and nothing written.
  const third = await openJournal(folder);
  for (const run of runsOf(third)) third.acknowledge(run);
  await third.close();
  const fourth = await openJournal(folder);
  fill(fourth, 1);
  assert.equal(runsOf(fourth)[0]?.header.parent, { epoch: third.epoch, last: 0 });
  await fourth.close();
});

test('never writes what is acknowledged before its time, and writes the rest in time', async () => {
  // By a clock on which every acknowledgement takes 2 ms, also where the machine stands still meanwhile.
  let now = 0;
  const journal = await openJournal(folder, { flushMilliseconds: 1000, monotonic: () => now });
  const { written } = journal.disk;
  const began = performance.now();
  // The timer of the first entries is over too: that is the machine's.
  while (now < 1500 || performance.now() - began < 1500) {
    fill(journal, 5);
    // An acknowledgement takes its time, and other entries are always on their way.
    const run = journal.cut(everything, 1e6, 5);
    await new Promise((resolve) => setTimeout(resolve, 2));
    now += 2;
    if (run !== undefined) journal.acknowledge(run);
  }
  assert.is(journal.disk.written, written);
  for (const run of runsOf(journal)) journal.acknowledge(run);
  fill(journal, 10);
  await until(() => journal.disk.written > written, 'written');
  await journal.close();
  const again = await openJournal(folder);
  assert.is(again.held, 10);
  await again.close();
});

test('counts the bytes it writes, by UTC days', async () => {
  let now = Date.UTC(2026, 10, 22, 23, 59);
  const journal = await openJournal(folder, { now: () => now });
  fill(journal, 100);
  await journal.flush();
  const before = journal.disk;
  assert.ok(before.written > 800 && before.written === before.writtenToday);
  now = Date.UTC(2026, 10, 23, 0, 1);
  assert.is(journal.disk.writtenToday, 0);
  fill(journal, 100);
  await journal.flush();
  assert.is(journal.disk.writtenToday, journal.disk.written - before.written);
  await journal.close();
});

test('keeps nothing in memory of what is on disk, and reads it back in order', async () => {
  const journal = await openJournal(folder);
  for (let round = 0; round < 100; round++) {
    fill(journal, 1000);
    await journal.flush();
  }
  assert.ok(Math.abs(journal.heldBytes - diskBytes()) < 20_000);
  let next = 0;
  for (const { entries } of runsOf(journal, 700))
    for (const entry of entries) assert.is(entry.monotonic, next++);
  assert.is(next, 100_000);
  // From anywhere, and twice.
  for (const at of [99_999, 5, 50_000, 50_001, 49_999, 5]) {
    assert.is(journal.cut({ first: at, last: at }, 1e6, 1)?.entries[0]?.monotonic, at);
  }
  await journal.close();
});

test('deletes segments that are wholly acknowledged, and keeps those that are not', async () => {
  const journal = await openJournal(folder, { maxBytes: 512 * 1024 });
  for (let round = 0; round < 50; round++) {
    fill(journal, 1000);
    await journal.flush();
  }
  const segments = () => readdirSync(folder).filter((name) => name.endsWith('.segment')).length;
  const before = segments();
  assert.ok(before > 5);
  for (const run of runsOf(journal, 20_000).slice(0, 2)) journal.acknowledge(run);
  await until(() => segments() < before - 2, 'deleted');
  assert.is(contentsOf(journal).size, 10_000);
  for (const run of runsOf(journal)) journal.acknowledge(run);
  assert.equal([journal.held, journal.heldBytes], [0, 0]);
  await until(() => segments() === 1, 'deleted');
  await journal.close();
});

test('what was acknowledged before a clean close is not held by the next opening', async () => {
  const journal = await openJournal(folder);
  fill(journal, 100);
  await journal.flush();
  const run = journal.cut({ first: 20, last: 49 }, 1e6, 1000);
  assert.ok(run);
  journal.acknowledge(run);
  await journal.close();
  const again = await openJournal(folder);
  assert.equal(again.heldRanges(), [
    { first: 0, last: 19 },
    { first: 50, last: 99 },
  ]);
  await again.close();
});

test('drops the oldest segment when it is full, and declares it until the cloud knows, over restarts', async () => {
  const maxBytes = 64 * 1024;
  const journal = await openJournal(folder, { maxBytes });
  for (let round = 0; round < 200; round++) {
    fill(journal, 100);
    await journal.flush();
  }
  const { dropped } = journal;
  assert.ok(dropped > 5000 && dropped < 15_000, `${dropped} dropped`);
  assert.is(journal.held + dropped, 20_000);
  assert.equal(journal.heldRanges(), [{ first: dropped, last: 19_999 }]);
  assert.ok(journal.heldBytes <= maxBytes);
  // Two slots of the ledger, and a segment that is not counted while nothing of it is held.
  assert.ok(diskBytes() <= maxBytes + 3 * 4096 + 2048, `${diskBytes()} bytes on disk`);
  await turn();
  assert.equal(
    journal.events.map(({ code }) => code),
    ['journal-full'],
  );
  assert.equal(runsOf(journal, 1)[0]?.header.dropped, [{ first: 0, last: dropped - 1 }]);
  await journal.close();
  const again = await openJournal(folder, { maxBytes });
  for (const run of runsOf(again).slice(1))
    again.acknowledge({ ...run, header: { ...run.header, dropped: [] } });
  const [first] = runsOf(again);
  assert.ok(first);
  assert.equal(first.header.dropped, [{ first: 0, last: dropped - 1 }]);
  // All is acknowledged but the drops: an epoch of which nothing is held has a declaration still.
  again.acknowledge({ ...first, header: { ...first.header, dropped: [] } });
  await again.close();
  const third = await openJournal(folder, { maxBytes });
  assert.is(third.held, 0);
  const declaration = third.declaration();
  assert.equal(declaration?.entries, []);
  assert.equal(declaration?.header, {
    epoch: journal.epoch,
    parent: undefined,
    boot,
    oldest: 20_000,
    first: 20_000,
    dropped: [{ first: 0, last: dropped - 1 }],
  });
  third.acknowledge(declaration as NonNullable<typeof declaration>);
  assert.is(third.declaration(), undefined);
  await third.close();
  const fourth = await openJournal(folder, { maxBytes });
  assert.is(fourth.declaration(), undefined);
  await fourth.close();
});

test('does not count as dropped what was on its way when it was dropped, and arrived', async () => {
  const journal = await openJournal(new PowerLossFolder(), { maxBytes: 64 * 1024 });
  fill(journal, 1000);
  await journal.flush();
  const run = journal.cut(everything, 1e6, 10);
  assert.ok(run);
  for (let round = 0; round < 100; round++) {
    fill(journal, 100);
    await journal.flush();
  }
  const { dropped } = journal;
  assert.ok(dropped > 10);
  journal.acknowledge(run);
  assert.is(journal.dropped, dropped - 10);
  assert.is(runsOf(journal, 1)[0]?.header.dropped[0]?.first, 10);
  await journal.close();
});

test('says when there is room again', async () => {
  const journal = await openJournal(new PowerLossFolder(), { maxBytes: 64 * 1024 });
  for (let round = 0; round < 100; round++) {
    fill(journal, 100);
    await journal.flush();
  }
  for (const run of runsOf(journal, 500)) journal.acknowledge(run);
  await turn();
  assert.equal(
    journal.events.map(({ code }) => code),
    ['journal-full', 'journal-room'],
  );
  await journal.close();
});

test('cuts a run up to its limits, to the first entry that is gone, and to the end of its epoch', async () => {
  const disk = new PowerLossFolder();
  const first = await openJournal(disk);
  fill(first, 30);
  await first.close();
  const journal = await openJournal(disk.killed());
  const gone = journal.cut({ first: 10, last: 14 }, 1e6, 100);
  assert.ok(gone);
  journal.acknowledge(gone);
  fill(journal, 5);
  const times = (from: number, maxBytes: number, maxEntries: number) => {
    const run = journal.cut({ first: from, last: 34 }, maxBytes, maxEntries);
    return run && [run.position, ...run.entries.map(({ monotonic }) => monotonic)];
  };
  assert.equal(times(7, 1e6, 100), [7, 7, 8, 9]);
  assert.equal(times(12, 1e6, 3), [15, 15, 16, 17]);
  assert.equal(times(28, 1e6, 100), [28, 28, 29]);
  assert.equal(times(30, 1e6, 2), [30, 30, 31]);
  const weight = journal.cut(everything, 1e6, 1)?.bytes as number;
  assert.equal(times(0, weight * 2, 100), [0, 0, 1]);
  assert.is(times(0, weight - 1, 100), undefined);
  assert.is(journal.heldIn({ first: 10, last: 14 }), undefined);
  assert.is(journal.heldIn({ first: 10, last: 29 }), 15);
  await journal.close();
});

test('agrees with a plain list, whatever is appended, flushed, acknowledged and opened again', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 40 }) }),
    fc.record({
      kind: fc.constant('acknowledge' as const),
      at: fc.nat(200),
      count: fc.integer({ min: 1, max: 30 }),
    }),
    fc.record({ kind: fc.constant('flush' as const) }),
    fc.record({ kind: fc.constant('reopen' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      let disk = new PowerLossFolder();
      let journal = await openJournal(disk, { maxBytes: 1024 * 1024 });
      let held: number[] = [];
      let next = 0;
      for (const each of steps) {
        if (each.kind === 'append') {
          for (let index = 0; index < each.count; index++) {
            journal.append(reading(next));
            held.push(next++);
          }
        } else if (each.kind === 'acknowledge') {
          const run = journal.cut({ first: each.at, last: everything.last }, 1e6, each.count);
          if (run === undefined) continue;
          const gone = new Set(run.entries.map(({ monotonic }) => monotonic));
          journal.acknowledge(run);
          held = held.filter((time) => !gone.has(time));
        } else if (each.kind === 'flush') await journal.flush();
        else {
          await journal.close();
          disk = disk.killed();
          journal = await openJournal(disk, { maxBytes: 1024 * 1024 });
        }
        assert.equal(
          [...contentsOf(journal).values()].map(({ monotonic }) => monotonic),
          held,
        );
        assert.is(journal.held, held.length);
        assert.is(journal.dropped, 0);
      }
      await journal.close();
    }),
    { numRuns: 150 },
  );
});

test.run();
