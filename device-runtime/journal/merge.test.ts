// Openings without an uplink leave a small segment each: they are merged, and no cut in the middle of it costs anything.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { JournalFolder } from './folder.ts';
import { PowerLossFolder, type Syncs } from './power-loss.ts';
import { contentsOf, openJournal, reading, seeded } from './testing.ts';

const test = suite('merged segments');

/** Openings after which the next one merges. */
const openings = 33;

// In memory where there is such a place: more than a thousand times something is synced here, and no power is cut.
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'loadline-merged-'));

test.after(() => rmSync(folder, { recursive: true }));

/** So many lives with three readings each. */
async function live(where: string | JournalFolder, lives: number): Promise<void> {
  for (let life = 0; life < lives; life++) {
    const journal = await openJournal(where);
    for (let index = 0; index < 3; index++) journal.append(reading(life * 3 + index));
    await journal.close();
  }
}

async function contentsIn(where: string | JournalFolder) {
  const journal = await openJournal(where);
  const contents = contentsOf(journal);
  const { epoch, events } = journal;
  await journal.close();
  return { contents, epoch, events };
}

const segmentsIn = (names: readonly string[]) => names.filter((name) => /\.segments?$/.test(name));

test('hundreds of openings leave few files, and each opening has all that the others left', async () => {
  const path = join(folder, 'hundreds');
  await live(path, 300);
  assert.ok(segmentsIn(readdirSync(path)).length <= openings + 2, readdirSync(path).join(' '));
  const { contents, events } = await contentsIn(path);
  assert.equal(
    [...contents.values()].map(({ monotonic }) => monotonic),
    Array.from({ length: 900 }, (_, index) => index),
  );
  assert.equal(events, []);
});

test('what is acknowledged is deleted, a merged file once nothing of it is held', async () => {
  const path = join(folder, 'acknowledged');
  await live(path, openings + 1);
  const journal = await openJournal(path);
  const merged = () => readdirSync(path).some((name) => name.endsWith('.segments'));
  for (;;) {
    const run = journal.cut({ first: 0, last: Number.MAX_SAFE_INTEGER }, 1e9, 1000);
    if (run === undefined) break;
    assert.ok(merged());
    journal.acknowledge(run);
  }
  await journal.flush();
  await journal.flush();
  assert.not(merged());
  await journal.close();
});

/** The power fails at the nth operation of the opening that merges. What is wrong afterwards; undefined past its end. */
async function cutAt(operation: number, seed: number, syncs: Syncs): Promise<string[] | undefined> {
  const random = seeded(seed);
  const disk = new PowerLossFolder(syncs);
  await live(disk, openings);
  let left: PowerLossFolder | undefined;
  let count = 0;
  disk.onChange = () => {
    if (count++ === operation) left = disk.cut(random);
    if (left !== undefined) throw new Error('the power is gone');
  };
  const dead = await openJournal(disk);
  await dead.close();
  if (left === undefined) return undefined;
  const { contents, epoch } = await contentsIn(left);
  const times = [...contents.values()].map(({ monotonic }) => monotonic);
  const wrong: string[] = [];
  if (times.length !== openings * 3) wrong.push(`${times.length} of ${openings * 3} readings`);
  if (times.some((time, index) => time !== index)) wrong.push('out of order');
  if (epoch === dead.epoch) wrong.push('the epoch is used again');
  return wrong;
}

test('a power cut at every operation of an opening that merges loses nothing and repeats nothing', async () => {
  let operation = 0;
  for (; ; operation++) {
    const wrong = await cutAt(operation, operation + 1, 'honoured');
    if (wrong === undefined) break;
    assert.equal(wrong, [], `operation ${operation}`);
  }
  assert.ok(operation > openings, `${operation} operations`);
});

test('the same on a disk that only says it syncs shows the loss', async () => {
  let violations = 0;
  for (let operation = 0; operation < 20; operation++) {
    violations += (await cutAt(operation, operation + 1, 'ignored'))?.length ?? 0;
  }
  assert.ok(violations > 0, 'nothing was lost without syncs: the test sees nothing');
});

test('damage in a merged file costs what it is in, is told once, and not what lies behind', async () => {
  const path = join(folder, 'damaged');
  await live(path, openings + 1);
  const [name = ''] = readdirSync(path).filter((each) => each.endsWith('.segments'));
  const bytes = readFileSync(join(path, name));
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  writeFileSync(join(path, name), bytes);
  const damaged = await contentsIn(path);
  assert.equal(
    damaged.events.map(({ code }) => code),
    ['journal-cut'],
  );
  assert.is(damaged.contents.size, openings * 3);
  const again = await contentsIn(path);
  assert.equal(again.events, []);
  assert.equal([...again.contents.keys()], [...damaged.contents.keys()]);
});

test.run();
