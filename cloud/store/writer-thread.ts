import { parentPort, workerData } from 'node:worker_threads';
import { Committer } from './commit.ts';
import { closeFolded, type DatabaseOptions, migrate, openConnection } from './database.ts';
import { migrations } from './migrations.ts';
import { type CopyQuestion, PageCopy } from './page-copy.ts';
import type { AsideAnswer, GroupAnswer } from './writer.ts';
import type { Outcome, Write } from './writes.ts';

/**
 * The thread that owns every write. What arrives while one group is being synced is the next group: at a slow
 * disk groups grow, and nobody waits longer than two syncs.
 */

const connection = openConnection(workerData as DatabaseOptions, 'write');
migrate(connection, migrations);

const committer = new Committer(connection, () => Date.now());
const port = parentPort as NonNullable<typeof parentPort>;
const copy = new PageCopy(connection);
let pending: Write[] = [];

/** What may wait: it goes once a whole turn of the loop brought no other write, or after so many milliseconds. */
const longestAside = 250;
const asides: { readonly write: Write; readonly since: number }[] = [];
let groups = 0;

type Message = readonly Write[] | { readonly copy: CopyQuestion } | { readonly aside: Write } | 'close';

port.on('message', (message: Message) => {
  if (message === 'close') {
    flush();
    closeFolded(connection);
    port.close();
    return;
  }
  if ('copy' in message) {
    port.postMessage(copy.answer(message.copy));
    return;
  }
  if ('aside' in message) {
    asides.push({ write: message.aside, since: performance.now() });
    if (asides.length === 1) setImmediate(takeAside, groups);
    return;
  }
  // The commit waits for the end of this turn of the loop: whatever has already arrived goes with it.
  if (pending.length === 0) setImmediate(flush);
  for (const write of message) pending.push(write);
});

function flush(): void {
  if (pending.length === 0) return;
  const group = pending;
  pending = [];
  groups += 1;
  const began = performance.now();
  const outcomes = committer.commit(group);
  const milliseconds = performance.now() - began;
  port.postMessage({ kind: 'group', outcomes, milliseconds } satisfies GroupAnswer);
  copy.committed();
}

/** `before`: how many groups there had been a turn ago. */
function takeAside(before: number): void {
  const [first] = asides;
  if (first === undefined) return;
  const began = performance.now();
  if ((pending.length > 0 || groups !== before) && began - first.since < longestAside) {
    setImmediate(takeAside, groups);
    return;
  }
  asides.shift();
  const [outcome] = committer.commit([first.write]);
  copy.committed();
  const milliseconds = performance.now() - began;
  port.postMessage({ kind: 'aside', outcome: outcome as Outcome, milliseconds } satisfies AsideAnswer);
  if (asides.length > 0) setImmediate(takeAside, groups);
}

port.postMessage('ready');
