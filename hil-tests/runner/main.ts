// npm test [-- FILTER...]: builds what tests run, then runs every file of tests whose path contains a filter.
// npm run test:long: the files that wait for real limits to run out, which npm test leaves out unless a filter names them.
import { join } from 'node:path';
import { buildBundles } from './build.ts';
import { discoverTests } from './discover.ts';
import { runAll } from './run-all.ts';

const root = join(import.meta.dirname, '../..');

const failure = buildBundles(root);
if (failure !== undefined) {
  console.log(`${failure}\n0 passed, 1 failed`);
  process.exit(1);
}

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.abort());

const filters = process.argv.slice(2).filter((argument) => argument !== '--long');
const isLongRun = process.argv.includes('--long');
const found = discoverTests(root, filters);
const files = filters.length > 0 ? found : found.filter(({ isLong }) => isLong === isLongRun);
const left = found.length - files.length;
if (left > 0 && !isLongRun) console.log(`${left} files of long tests are left to npm run test:long`);
const passed = await runAll(root, files, { print: console.log, signal: interrupted.signal });
process.exitCode = passed ? 0 : 1;
