// A process that appends and flushes until it is killed: `node killed-child.ts FOLDER`.
// It writes, a line each: `epoch <hex>`, then `flushed <how many numbers of the epoch>`.
import { writeSync } from 'node:fs';
import { openJournal, reading } from './testing.ts';

const journal = await openJournal(process.argv[2] as string, { maxBytes: 1024 * 1024 });
const { next: base } = journal;
const say = (line: string) => writeSync(1, `${line}\n`);
say(`epoch ${journal.epoch}`);
for (;;) {
  for (let index = 0; index < 50; index++) journal.append(reading(journal.next - base));
  const flushing = journal.next - base;
  await journal.flush();
  say(`flushed ${flushing}`);
}
