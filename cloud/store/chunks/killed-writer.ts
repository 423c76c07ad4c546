import { Committer } from '../commit.ts';
import { openConnection } from '../database.ts';
import { storeReads } from '../reads.ts';
import { device } from '../test-store.ts';

/** Merges slice after slice, without an end, until it is killed: the program of `killed.test.ts`. */

const [file = '', key = ''] = process.argv.slice(2);
const connection = openConnection({ file, key }, 'write');
const committer = new Committer(connection, () => Date.now());
const reads = storeReads(connection);
process.stdout.write('ready\n');
for (;;) {
  const slice = reads.mergeSlice({ device, size: { deliveries: 3, readings: 1000, series: 2 } });
  if (slice === undefined) break;
  const [outcome] = committer.commit([slice]);
  if (outcome?.kind !== 'done') throw new Error(JSON.stringify(outcome));
  process.stdout.write('.');
}
process.stdout.write('all\n');
