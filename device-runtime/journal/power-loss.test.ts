import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PowerLossFolder, type Syncs } from './power-loss.ts';
import { contentsOf, openJournal, reading, runsOf, seeded } from './testing.ts';

const test = suite('power loss under the journal');

/** One life after another of one gateway on one card, the power cut at the end of each. Returns what went wrong. */
async function lives(seed: number, syncs: Syncs): Promise<string[]> {
  const random = seeded(seed);
  const wrong: string[] = [];
  let folder = new PowerLossFolder(syncs);
  /** `epoch:number` of what a resolved flush promised to keep or to declare, and the time of each entry ever appended. */
  const promised = new Set<string>();
  const times = new Map<string, number>();
  const acknowledged = new Set<string>();
  const declared = new Set<string>();
  const epochs = new Set<string>();
  let clock = 0;
  for (let life = 0; life < 6; life++) {
    const journal = await openJournal(folder, { maxBytes: 12 * 1024 });
    if (epochs.has(journal.epoch)) wrong.push(`life ${life}: epoch used again`);
    epochs.add(journal.epoch);
    for (let run = journal.declaration(); run !== undefined; run = journal.declaration()) {
      note(run.header);
      journal.acknowledge(run);
    }
    for (const { header } of runsOf(journal)) note(header);
    try {
      const contents = contentsOf(journal);
      for (const [key, entry] of contents) {
        if (times.get(key) !== entry.monotonic) wrong.push(`life ${life}: ${key} is not what was appended`);
      }
      for (const key of promised) {
        if (!contents.has(key) && !acknowledged.has(key) && !declared.has(key)) {
          wrong.push(`life ${life}: ${key} was flushed, and is gone`);
        }
      }
    } catch (error) {
      wrong.push(`life ${life}: ${(error as Error).message}`);
    }
    const own = runsOf(journal).filter(({ header }) => header.epoch === journal.epoch);
    if (own.length > 0) wrong.push(`life ${life}: a new epoch is not empty`);
    const base = journal.next;
    const steps = 1 + Math.floor(random() * 25);
    for (let step = 0; step < steps; step++) {
      const what = random();
      if (what < 0.55) {
        // More at once, now and then, than is kept at all: the oldest never come to the disk.
        const count = Math.floor(random() * (random() < 0.1 ? 2500 : 120));
        for (let index = 0; index < count; index++) {
          times.set(`${journal.epoch}:${journal.next - base}`, clock);
          journal.append(reading(clock++));
        }
      } else if (what < 0.8) {
        const before = journal.next;
        const flush = journal.flush();
        // A cut in the middle of it, at times.
        if (random() < 0.2) break;
        await flush;
        // What was dropped meanwhile too: it is on record that it was.
        for (let number = 0; number < before - base; number++) promised.add(`${journal.epoch}:${number}`);
      } else {
        const declaration = journal.declaration();
        const runs = [...(declaration ? [declaration] : []), ...runsOf(journal, 50)];
        const run = runs[Math.floor(random() * runs.length)];
        if (run === undefined) continue;
        run.entries.forEach((_, index) => {
          acknowledged.add(`${run.header.epoch}:${run.header.first + index}`);
        });
        note(run.header);
        journal.acknowledge(run);
      }
    }
    for (let turns = Math.floor(random() * 12); turns > 0; turns--) await Promise.resolve();
    const before = folder;
    folder = random() < 0.2 ? before.killed() : before.cut(random);
    // The dead process goes on for nothing.
    await journal.close();
  }
  return wrong;

  function note(header: { epoch: string; dropped: readonly { first: number; last: number }[] }): void {
    for (const { first, last } of header.dropped) {
      for (let number = first; number <= last; number++) declared.add(`${header.epoch}:${number}`);
    }
  }
}

test('whatever a power cut leaves, all that was flushed is there, once, and no number is used again', async () => {
  for (let seed = 1; seed <= 150; seed++) {
    const wrong = await lives(seed, 'honoured');
    assert.equal(wrong, [], `seed ${seed}`);
  }
});

test('the same lives on a disk that only says it syncs show the loss', async () => {
  let violations = 0;
  for (let seed = 1; seed <= 20; seed++) violations += (await lives(seed, 'ignored')).length;
  assert.ok(violations > 0, 'nothing was lost without syncs: the test sees nothing');
});

test.run();
