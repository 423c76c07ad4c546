import { parentPort, workerData } from 'node:worker_threads';
import { Committer } from './commit.ts';
import { type DatabaseOptions, migrate, openConnection } from './database.ts';
import { migrations } from './migrations.ts';
import { type CopyQuestion, PageCopy } from './page-copy.ts';
import type { Write } from './writes.ts';

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

port.on('message', (message: readonly Write[] | { readonly copy: CopyQuestion } | 'close') => {
  if (message === 'close') {
    flush();
    connection.pragma('wal_checkpoint(TRUNCATE)');
    connection.close();
    port.close();
    return;
  }
  if ('copy' in message) {
    port.postMessage(copy.answer(message.copy));
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
  port.postMessage(committer.commit(group));
  copy.committed();
}

port.postMessage('ready');
