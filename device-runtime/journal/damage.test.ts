import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseSegmentName, scanSegment } from './segment.ts';
import { contentsOf, everything, openJournal, reading, runsOf, turn } from './testing.ts';

const test = suite('a damaged journal');

let root = '';
/** The newest segment of a journal whose process died, and what is whole in it. */
let pristine = '';
let newest = '';
let bytes: Buffer = Buffer.alloc(0);
let epoch = '';
/** Entries of the newest segment, and all others, by `epoch:number`. */
const inNewest = new Set<string>();
const inOthers = new Set<string>();
/** What the cloud has: more than the disk. */
const cloud = new Set<string>();
let ends: { readonly offset: number; readonly numbers: number }[] = [];

test.before(async () => {
  // In memory where there is such a place: thousands of files are synced here, and no power is cut.
  root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'loadline-damage-'));
  pristine = join(root, 'pristine');
  const live = join(root, 'live');
  const first = await openJournal(live);
  for (let index = 0; index < 20; index++) first.append(reading(index));
  await first.close();
  for (const key of contentsOf(first).keys()) inOthers.add(key);
  const journal = await openJournal(live);
  epoch = journal.epoch;
  for (let record = 0; record < 4; record++) {
    for (let index = 0; index < 6; index++) journal.append(reading(100 + record * 6 + index));
    await journal.flush();
  }
  for (const key of contentsOf(journal).keys()) if (key.startsWith(epoch)) inNewest.add(key);
  // Sent and acknowledged, and never on disk.
  for (let index = 0; index < 30; index++) journal.append(reading(1000 + index));
  for (const key of contentsOf(journal).keys()) if (key.startsWith(epoch)) cloud.add(key);
  // As a killed process leaves it, but for the lock, which names this test's own process.
  cpSync(live, pristine, { recursive: true });
  rmSync(join(pristine, 'lock'));
  await journal.close();
  newest = readdirSync(pristine).filter((name) => parseSegmentName(name)?.epoch === epoch)[0] as string;
  bytes = readFileSync(join(pristine, newest));
  ends = scanSegment(bytes).records.map(({ offset, length, first: number, count }) => ({
    offset: offset + length,
    numbers: number + count,
  }));
  assert.is(ends.length, 4);
});

test.after(() => rmSync(root, { recursive: true, force: true }));

/** Opens a copy whose newest segment is `damaged`, and checks what it must hold whatever the damage. */
async function survive(damaged: Buffer, damagedFrom: number, what: string): Promise<void> {
  const folder = join(root, 'damaged');
  rmSync(folder, { recursive: true, force: true });
  cpSync(pristine, folder, { recursive: true });
  writeFileSync(join(folder, newest), damaged);
  const journal = await openJournal(folder);
  await turn();
  // Every record that ends before the damage, and nothing from it on.
  const whole = ends.findLast(({ offset }) => offset <= damagedFrom)?.numbers ?? 0;
  const contents = contentsOf(journal);
  const kept = [...contents.keys()].filter((key) => key.startsWith(epoch));
  const others = [...contents.keys()].filter((key) => !key.startsWith(epoch));
  assert.is(kept.length, whole, what);
  assert.equal(new Set(others), inOthers, what);
  for (const key of kept) assert.ok(inNewest.has(key), what);
  // It says what it cut, unless the cut falls between two records, where nothing is left of the rest.
  const clean = damaged.length === damagedFrom && ends.some(({ offset }) => offset === damagedFrom);
  const headerOnly = damaged.length === damagedFrom && damagedFrom === 76;
  assert.is(
    journal.events.filter(({ code }) => code === 'journal-cut').length,
    clean || headerOnly ? 0 : 1,
    `${what}: ${JSON.stringify(journal.events)}`,
  );
  // No number is used again: what is new is of a new epoch, whatever the cloud may have.
  journal.append(reading(5000));
  const run = journal.cut({ first: journal.next - 1, last: everything.last }, 1e6, 1);
  assert.ok(run !== undefined && !cloud.has(`${run.header.epoch}:${run.header.first}`), what);
  assert.is.not(run.header.epoch, epoch, what);
  assert.is(run.header.parent?.epoch, epoch, what);
  await journal.close();
  // And it is mended: the next opening has nothing to cut. Looked at now and then: it takes as long as all before.
  if (damaged.length !== bytes.length && damaged.length % 16 !== 0) return;
  if (Math.floor(damagedFrom) % 16 !== 0) return;
  const again = await openJournal(folder);
  await turn();
  assert.equal(
    again.events.filter(({ code }) => code === 'journal-cut'),
    [],
    what,
  );
  assert.is(contentsOf(again).size, contents.size + 1, what);
  await again.close();
}

test('torn off at every byte, the newest segment keeps every whole record', async () => {
  for (let length = 0; length < bytes.length; length++) {
    await survive(bytes.subarray(0, length), length, `cut to ${length} bytes`);
  }
});

test('with a bit or a byte wrong at every offset, it keeps every record before', async () => {
  for (let offset = 0; offset < bytes.length; offset++) {
    const wrong = Buffer.from(bytes);
    // One bit, another one at each offset; and at every third all of them.
    wrong[offset] = (wrong[offset] as number) ^ (offset % 3 === 0 ? 0xff : 1 << (offset % 8));
    await survive(wrong, offset < 76 ? 0 : offset, `offset ${offset} wrong`);
  }
});

test('zeros in the place of its end, as a file system leaves them, are cut off', async () => {
  for (const end of ends) {
    const zeros = Buffer.alloc(bytes.length + 4096);
    bytes.copy(zeros, 0, 0, end.offset);
    await survive(zeros, end.offset + 0.5, `zeros from ${end.offset}`);
  }
});

test('what damage in the middle of an epoch has taken is declared, and what follows is good', async () => {
  const folder = join(root, 'middle');
  const journal = await openJournal(folder, { maxBytes: 64 * 1024 });
  for (let round = 0; round < 20; round++) {
    for (let index = 0; index < 100; index++) journal.append(reading(round * 100 + index));
    await journal.flush();
  }
  const name = journal.epoch;
  await journal.close();
  const files = readdirSync(folder).filter((each) => parseSegmentName(each)?.epoch === name);
  assert.ok(files.length > 3);
  const [, second, third] = files as [string, string, string];
  // Half of the second is lost, and all of the third: its header is.
  const half = readFileSync(join(folder, second));
  half.fill(0xee, half.length / 2);
  writeFileSync(join(folder, second), half);
  const gone = readFileSync(join(folder, third));
  gone[10] = (gone[10] as number) ^ 1;
  writeFileSync(join(folder, third), gone);
  const again = await openJournal(folder, { maxBytes: 64 * 1024 });
  await turn();
  const runs = runsOf(again, 1_000_000);
  const held = runs.reduce((sum, { entries }) => sum + entries.length, 0);
  const dropped = (runs[0]?.header.dropped ?? []).reduce(
    (sum, range) => sum + range.last - range.first + 1,
    0,
  );
  assert.is(held + dropped, 2000);
  assert.ok(held > 0 && dropped > 400);
  assert.ok(readdirSync(folder).includes(`${third}.damaged`));
  assert.ok(again.events.some(({ detail }) => detail.includes(second) && detail.includes('cut off')));
  assert.ok(again.events.some(({ detail }) => detail.includes('are lost, and declared')));
  // The declaration is told until the cloud has it, over any restart.
  await again.close();
  const later = await openJournal(folder, { maxBytes: 64 * 1024 });
  const [run] = runsOf(later, 1_000_000);
  assert.is((run?.header.dropped ?? []).length > 0, true);
  for (const each of runsOf(later, 1_000_000)) later.acknowledge(each);
  await later.close();
});

test('a file that goes bad while the journal is open costs what it holds from there, and that is declared', async () => {
  const folder = join(root, 'later');
  const journal = await openJournal(folder);
  for (let record = 0; record < 4; record++) {
    for (let index = 0; index < 10; index++) journal.append(reading(record * 10 + index));
    await journal.flush();
  }
  const [file] = readdirSync(folder).filter((name) => parseSegmentName(name) !== undefined) as [string];
  const whole = readFileSync(join(folder, file));
  const { records } = scanSegment(whole);
  const at = (records[2]?.offset ?? 0) + 12;
  whole[at] = (whole[at] as number) ^ 0x10;
  writeFileSync(join(folder, file), whole);
  const [run] = runsOf(journal);
  assert.is(run?.entries.length, 20);
  assert.is(journal.held, 20);
  assert.equal(runsOf(journal)[0]?.header.dropped, [{ first: 20, last: 39 }]);
  await turn();
  assert.match(journal.events[0]?.detail ?? '', /numbers 20 to 39 are lost, and declared/);
  journal.append(reading(99));
  await journal.close();
  const again = await openJournal(folder);
  assert.is(contentsOf(again).size, 21);
  assert.equal(runsOf(again)[0]?.header.dropped, [{ first: 20, last: 39 }]);
  await again.close();
});

test('garbage, empty files and files of others do not keep it from starting', async () => {
  const folder = join(root, 'garbage');
  mkdirSync(folder);
  const nameOf = (sequence: number) => `${String(sequence).padStart(10, '0')}-${'ab'.repeat(16)}.segment`;
  writeFileSync(join(folder, nameOf(0)), '');
  writeFileSync(join(folder, nameOf(1)), Buffer.alloc(5000, 0xa5));
  mkdirSync(join(folder, nameOf(2)));
  writeFileSync(join(folder, 'ledger.0'), 'nonsense');
  mkdirSync(join(folder, 'ledger.1'));
  writeFileSync(join(folder, 'notes.txt'), 'mine');
  mkdirSync(join(folder, 'lock'));
  mkdirSync(join(folder, 'lost+found'));
  const journal = await openJournal(folder);
  await turn();
  for (let index = 0; index < 10; index++) journal.append(reading(index));
  assert.ok(
    journal.events.some(({ code, detail }) => code === 'journal-foreign' && detail.includes('notes.txt')),
  );
  assert.is(journal.events.filter(({ code }) => code === 'journal-cut').length, 3);
  assert.is(readFileSync(join(folder, 'notes.txt'), 'utf8'), 'mine');
  assert.is(journal.held, 10);
  await journal.close();
  const again = await openJournal(folder);
  assert.is(contentsOf(again).size, 10);
  await again.close();
});

test.run();
