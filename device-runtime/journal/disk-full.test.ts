import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PowerLossFolder } from './power-loss.ts';
import { contentsOf, openJournal, reading, runsOf, turn } from './testing.ts';

const test = suite('disk full or failing');

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: no luck`), { code });
}

/** Waits until `condition` holds, turn by turn; at most half a minute, which a slow disk may take. */
async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`never: ${what}`);
    await turn();
  }
}

async function refused(promise: Promise<unknown>): Promise<void> {
  await promise.then(
    () => assert.unreachable('the disk failed, and nobody said so'),
    () => {},
  );
}

for (const [operation, code, state] of [
  ['write', 'ENOSPC', 'full'],
  ['write', 'EIO', 'failing'],
  ['sync', 'EIO', 'failing'],
  ['create', 'ENOSPC', 'full'],
] as const) {
  test(`${code} at ${operation}: says so once, keeps everything, and writes it all when it may`, async () => {
    const folder = new PowerLossFolder();
    const journal = await openJournal(folder, { flushMilliseconds: 5 });
    for (let index = 0; index < 10; index++) journal.append(reading(index));
    await journal.flush();
    let tries = 0;
    let broken = true;
    folder.onChange = (each) => {
      // To find the way to a new file, all creating fails too where writing does: the disk is full for everyone.
      if (!broken || each !== operation) return;
      tries++;
      throw failure(code);
    };
    if (operation === 'create') {
      folder.onChange = (each) => {
        if (!broken || (each !== 'create' && each !== 'write')) return;
        tries++;
        throw failure(code);
      };
    }
    for (let index = 10; index < 30; index++) journal.append(reading(index));
    await until(() => tries >= 4, 'tried again');
    assert.is(journal.disk.state, state);
    assert.is(journal.held, 30);
    assert.is(contentsOf(journal).size, 30);
    broken = false;
    await until(() => journal.disk.state === 'good', 'recovered');
    await journal.flush();
    await turn();
    assert.equal(
      journal.events.map((event) => event.code),
      ['disk-full', 'disk-recovered'],
    );
    // Everything is there after the power fails, and once.
    const after = folder.cut(() => 0.99);
    await journal.close();
    const again = await openJournal(after);
    const times = [...contentsOf(again).values()].map(({ monotonic }) => monotonic);
    assert.equal(
      times,
      Array.from({ length: 30 }, (_, index) => index),
    );
    await again.close();
  });
}

test('what a failed sync was about is written again, and not trusted where it was', async () => {
  const folder = new PowerLossFolder();
  const journal = await openJournal(folder);
  journal.append(reading(0));
  await journal.flush();
  journal.append(reading(1));
  // The kernel reports the loss once, and calls the pages clean: a second sync of the same file says yes.
  let once = true;
  folder.onChange = (operation) => {
    if (operation !== 'sync' || !once) return;
    once = false;
    throw failure('EIO');
  };
  await refused(journal.flush());
  await journal.flush();
  const segments = (await folder.list()).filter((name) => name.endsWith('.segment'));
  assert.is(segments.length, 2, 'no new segment was begun');
  const after = folder.cut(() => 0.99);
  await journal.close();
  const again = await openJournal(after);
  assert.is(contentsOf(again).size, 2);
  await again.close();
});

test('past its bound the memory gives up the oldest, and declares them', async () => {
  const folder = new PowerLossFolder();
  const journal = await openJournal(folder);
  let broken = true;
  folder.onChange = () => {
    if (broken) throw failure('ENOSPC');
  };
  journal.append(reading(0));
  await refused(journal.flush());
  const count = 50_000;
  for (let index = 1; index < count; index++) journal.append(reading(index));
  assert.ok(journal.dropped > 0 && journal.held > 20_000, `${journal.held} held`);
  assert.is(journal.held + journal.dropped, count);
  const [run] = runsOf(journal, 1);
  assert.equal(run?.header.dropped, [{ first: 0, last: journal.dropped - 1 }]);
  assert.is(run?.header.first, journal.dropped);
  broken = false;
  await journal.flush();
  assert.is(journal.disk.state, 'good');
  const { held, dropped } = journal;
  await journal.close();
  const again = await openJournal(folder.killed());
  assert.is(again.held, held);
  assert.equal(runsOf(again, 1)[0]?.header.dropped, [{ first: 0, last: dropped - 1 }]);
  await again.close();
});

test('a journal that fills the disk itself gives up its oldest segments, and goes on', async () => {
  const folder = new PowerLossFolder();
  const journal = await openJournal(folder, { maxBytes: 1024 * 1024, flushMilliseconds: 2 });
  // A disk with room for six segments; what exists may be overwritten.
  folder.onChange = (operation, name) => {
    if (operation !== 'write' && operation !== 'create') return;
    if (!name.endsWith('.segment')) return;
    if (segmentCount() > 6) throw failure('ENOSPC');
  };
  let names: readonly string[] = [];
  const segmentCount = () => names.filter((name) => name.endsWith('.segment')).length;
  for (let index = 0; index < 120_000; index++) {
    journal.append(reading(index));
    if (index % 500 !== 0) continue;
    names = await folder.list();
    // Timers get their turn.
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const newest = journal.cut({ first: journal.next - 1, last: journal.next }, 1e6, 1);
  assert.is(newest?.entries[0]?.monotonic, 119_999);
  assert.ok(journal.dropped > 0);
  assert.is(journal.held + journal.dropped, 120_000);
  assert.ok(journal.events.some(({ code }) => code === 'disk-full'));
  folder.onChange = () => {};
  await journal.flush();
  await journal.close();
});

test('a disk full of what has been acknowledged since is emptied, and the epochs stay a chain', async () => {
  const folder = new PowerLossFolder();
  const journal = await openJournal(folder, { maxBytes: 1024 * 1024 });
  for (let round = 0; round < 40; round++) {
    for (let index = 0; index < 500; index++) journal.append(reading(round * 500 + index));
    await journal.flush();
  }
  let room = false;
  folder.onChange = (operation, name) => {
    if (operation === 'remove' && name.endsWith('.segment')) room = true;
    if (name.endsWith('.segment') && operation === 'write' && !room) throw failure('ENOSPC');
  };
  journal.append(reading(20_000));
  await refused(journal.flush());
  for (const run of runsOf(journal)) journal.acknowledge(run);
  // The first attempt frees the file it could not write itself: that is no room for others.
  room = false;
  await journal.flush();
  assert.is(journal.disk.state, 'good');
  const { epoch } = journal;
  const after = folder.cut(() => 0.99);
  await journal.close();
  const again = await openJournal(after);
  again.append(reading(0));
  const own = again.cut({ first: again.next - 1, last: again.next }, 1e6, 1);
  assert.is(own?.header.parent?.epoch, epoch);
  await again.close();
});

test('a disk that takes nothing at the start is no reason not to start', async () => {
  const folder = new PowerLossFolder();
  let broken = true;
  folder.onChange = () => {
    if (broken) throw failure('EROFS');
  };
  const journal = await openJournal(folder, { flushMilliseconds: 5 });
  assert.is(journal.disk.state, 'failing');
  for (let index = 0; index < 10; index++) journal.append(reading(index));
  assert.is(contentsOf(journal).size, 10);
  broken = false;
  await until(() => journal.disk.state === 'good', 'recovered');
  await journal.flush();
  const after = folder.cut(() => 0.99);
  await journal.close();
  const again = await openJournal(after);
  assert.is(contentsOf(again).size, 10);
  await again.close();
});

test('a disk that takes nothing is not tried as often as a short flush time would have it', async () => {
  const folder = new PowerLossFolder();
  const journal = await openJournal(folder, { flushMilliseconds: 0.001 });
  let tries = 0;
  let broken = true;
  folder.onChange = (operation) => {
    if (!broken || operation !== 'create') return;
    tries++;
    throw failure('ENOSPC');
  };
  journal.append(reading(1));
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.ok(tries <= 4, `${tries} tries`);
  broken = false;
  await until(() => journal.disk.state === 'good', 'recovered');
  await journal.close();
});

test('a disk that is full for days takes no more memory than its bound', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const folder = new PowerLossFolder();
  let now = 0;
  const journal = await openJournal(folder, { flushMilliseconds: 100, monotonic: () => now });
  folder.onChange = () => {
    throw failure('ENOSPC');
  };
  const heapAt = async (entries: number) => {
    while (journal.next < entries) {
      now += 100;
      journal.append(reading(journal.next));
      // Attempts at the disk go by a timer.
      if (journal.next % 2000 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = await heapAt(60_000);
  const grown = (await heapAt(360_000)) - before;
  folder.onChange = () => {};
  await journal.close();
  assert.ok(grown < 5_000_000, `${grown} bytes more for 300,000 readings`);
});

test.run();
