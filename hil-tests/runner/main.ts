// npm test [-- FILTER...]: builds what tests run, then runs every file of tests whose path contains a filter.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { discoverTests } from './discover.ts';
import { runAll } from './run-all.ts';

const root = join(import.meta.dirname, '../..');

const build = spawnSync(process.execPath, [...process.execArgv, 'tools/build/main.ts', 'bundles'], {
  cwd: root,
  encoding: 'utf8',
});
if (build.status !== 0) {
  console.log(
    `${build.stdout}${build.stderr}the build that tests need failed: npm run build\n0 passed, 1 failed`,
  );
  process.exit(1);
}

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.abort());

const files = discoverTests(root, process.argv.slice(2));
const passed = await runAll(root, files, console.log, interrupted.signal);
process.exitCode = passed ? 0 : 1;
