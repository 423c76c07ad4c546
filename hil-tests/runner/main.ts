// npm test [-- FILTER...]: builds what tests run, then runs every file of tests whose path contains a filter.
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

const files = discoverTests(root, process.argv.slice(2));
const passed = await runAll(root, files, console.log, interrupted.signal);
process.exitCode = passed ? 0 : 1;
