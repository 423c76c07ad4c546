import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { discoverTests } from './discover.ts';
import { runAll } from './run-all.ts';
import { runFile } from './run-file.ts';

// The files under trial are written here, outside the workspace, so that `npm test` itself does not find them.
const root = mkdtempSync(join(tmpdir(), 'loadline-runner-'));
symlinkSync(join(import.meta.dirname, '../../node_modules'), join(root, 'node_modules'));

const UVU = `import { test } from 'uvu';\nimport * as assert from 'uvu/assert';\n`;
const PASSING = `${UVU}test('a', () => {});\ntest('b', () => {});\ntest.run();\n`;
const never = new AbortController().signal;

function write(name: string, source: string): string {
  mkdirSync(join(root, name, '..'), { recursive: true });
  writeFileSync(join(root, name), source);
  return name;
}

function run(name: string, source: string, timeLimitMs = 30_000, signal = never) {
  return runFile(root, { path: write(name, source), timeLimitMs, isLong: false }, signal);
}

async function runPrinted(files: string[]) {
  const lines: string[] = [];
  const passed = await runAll(
    root,
    files.map((path) => ({ path, timeLimitMs: 30_000, isLong: false })),
    { print: (line) => lines.push(line), signal: never },
  );
  return { passed, lines };
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

const SLEEPER = `import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
const sleeper = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
sleeper.unref();
writeFileSync('sleeper.pid', String(sleeper.pid));
`;

// These take a whole grace or limit: they run beside the others.
const openHandle = run('handle.test.ts', `${PASSING}setInterval(() => {}, 1000);`);
const leftover = run('leftover.test.ts', `${SLEEPER}${PASSING}`);
const hanging = run(
  'hang.test.ts',
  `${SLEEPER.replace('sleeper.pid', 'hang.pid')}${UVU}test('a', () => new Promise(() => setInterval(() => {}, 1000)));\ntest.run();`,
  8000,
);

test('a file whose tests pass is passed, with its tests counted', async () => {
  const result = await run('pass.test.ts', PASSING);
  assert.equal([result.passed, result.failed, result.skipped, result.problems], [2, 0, 0, []]);
});

test('skipped tests are counted, and a file may skip all it has', async () => {
  const result = await run('skip.test.ts', `${UVU}test.skip('a', () => {});\ntest.run();`);
  assert.equal([result.passed, result.failed, result.skipped], [0, 0, 1]);
});

test('a failing test is counted and its output kept', async () => {
  const result = await run(
    'fail.test.ts',
    `${UVU}test('a', () => {});\ntest('sinks', () => assert.is(1, 2));\ntest.run();`,
  );
  assert.equal([result.passed, result.failed], [1, 1]);
  assert.match(result.output, 'sinks');
});

test('a file without run() fails', async () => {
  const result = await run('norun.test.ts', `${UVU}test('a', () => assert.ok(true));`);
  assert.is(result.failed, 1);
  assert.match(result.problems.join(), 'test.run() missing');
});

test('a file that registered no test fails', async () => {
  const result = await run('none.test.ts', `${UVU}assert.ok(true);\ntest.run();`);
  assert.is(result.failed, 1);
  assert.match(result.problems.join(), 'registered no test');
});

test('tests that a throwing hook kept from running are failed, and what it threw is told', async () => {
  const hook = `test.before(() => { throw new Error('no rig'); });`;
  const result = await run('before.test.ts', `${UVU}${hook}\ntest('a', () => {});\ntest.run();`);
  assert.equal([result.passed, result.failed], [0, 1]);
  assert.match(result.output, 'a hook threw, and no more tests were run: Error: no rig');
  const after = `test.after.each(() => { throw new Error('no end'); });`;
  const second = await run(
    'after.test.ts',
    `${UVU}${after}\ntest('a', () => {});\ntest('b', () => {});\ntest.run();`,
  );
  assert.equal([second.passed, second.failed], [0, 2]);
  assert.match(second.output, 'no more tests were run: Error: no end');
});

test('a file that breaks before its tests fails and shows why', async () => {
  const result = await run('broken.test.ts', `throw new Error('torn');`);
  assert.is(result.failed, 1);
  assert.match(result.output, 'torn');
});

test('a process that ends badly after passing tests fails', async () => {
  const result = await run('late.test.ts', `${PASSING}process.on('exit', () => { process.exitCode = 3; });`);
  assert.is(result.failed, 1);
  assert.match(result.problems.join(), 'code 3');
});

test('a time limit ends the file and what it started', async () => {
  const result = await hanging;
  assert.is(result.failed, 1);
  assert.match(result.problems.join(), 'time limit of 8 s');
  // It was told to end; a busy machine may take a moment to see to it.
  const sleeper = Number(readFileSync(join(root, 'hang.pid'), 'utf8'));
  for (const end = Date.now() + 10_000; isAlive(sleeper); await delay(20)) assert.ok(Date.now() < end);
});

test('an abort ends a running file at once', async () => {
  const result = await run('abort.test.ts', `${PASSING}`, 30_000, AbortSignal.abort());
  assert.is(result.failed, 1);
});

test('a file that does not exit after its summary fails for its open handle', async () => {
  const result = await openHandle;
  assert.equal([result.passed, result.failed], [2, 1]);
  assert.match(result.problems.join(), 'handle open');
});

test('a file that leaves a process running fails and the process is ended', async () => {
  const result = await leftover;
  assert.is(result.failed, 1);
  assert.match(result.problems.join(), /left a process running: \d+ sleep 600/);
});

test('the last line is the sum of all files', async () => {
  const good = await runPrinted([write('sum/a.test.ts', PASSING), write('sum/b.test.ts', PASSING)]);
  assert.is(good.lines.at(-1), '4 passed, 0 failed');
  assert.ok(good.passed);
  const bad = await runPrinted([
    'sum/a.test.ts',
    write('sum/c.test.ts', `${UVU}test('x', () => assert.ok(0));\ntest.skip('y');\ntest.run();`),
  ]);
  assert.is(bad.lines.at(-1), '2 passed, 1 failed, 1 skipped');
  assert.not(bad.passed);
});

test('the output of a failing file is printed, and of a passing one only what it skipped', async () => {
  const noisy = `console.log('skipped: order of system calls: no strace');\nconsole.log('chatter');\n`;
  const good = await runPrinted([write('out/a.test.ts', noisy + PASSING)]);
  assert.match(good.lines.join('\n'), 'skipped: order of system calls: no strace');
  assert.not.match(good.lines.join('\n'), 'chatter');
  const bad = await runPrinted([
    write('out/b.test.ts', `${noisy}${PASSING}process.on('exit', () => { process.exitCode = 3; });`),
  ]);
  assert.match(bad.lines.join('\n'), 'chatter');
});

test('no files, or no tests that ran, is a failure', async () => {
  assert.not((await runPrinted([])).passed);
  assert.not((await runPrinted([write('idle/a.test.ts', `${UVU}test.skip('a');\ntest.run();`)])).passed);
});

test('files are found below the root, filtered by a part of their path, but not in dist or node_modules', () => {
  for (const name of [
    'found/x/a.test.ts',
    'found/b.test.ts',
    'found/dist/c.test.ts',
    'found/node_modules/d.test.ts',
    'found/e.ts',
  ]) {
    write(name, '');
  }
  assert.equal(
    discoverTests(join(root, 'found'), []).map(({ path }) => path),
    ['b.test.ts', 'x/a.test.ts'],
  );
  assert.equal(
    discoverTests(join(root, 'found'), ['x/']).map(({ path }) => path),
    ['x/a.test.ts'],
  );
});

test('a file sets its own time limit in a comment, and a malformed one is refused', () => {
  write('limit/a.test.ts', '// @time-limit 300 s\n');
  write('limit/b.test.ts', '');
  assert.equal(
    discoverTests(join(root, 'limit'), []).map(({ timeLimitMs }) => timeLimitMs),
    [300_000, 180_000],
  );
  write('limit/c.test.ts', '// @time-limit 3 minutes\n');
  assert.throws(() => discoverTests(join(root, 'limit'), []), /c\.test\.ts: '@time-limit 3 minutes'/);
});

test('a scenario is played, each step counted, and has its time limit and 20 s to be closed', async () => {
  write('plays/a.scenario.ts', '// @time-limit 30 s\n');
  assert.equal(
    discoverTests(join(root, 'plays'), []).map(({ path, timeLimitMs }) => [path, timeLimitMs]),
    [['a.scenario.ts', 50_000]],
  );
  const api = pathToFileURL(join(import.meta.dirname, '../scenario/index.ts')).href;
  const scenario = (then: string) =>
    `import { scenario } from '${api}';
export default scenario({ about: 'It is short.', async play({ when, then }) {
  await when('a', () => {});
  await then('b', () => { ${then} });
} });
`;
  const [good, bad] = await Promise.all([
    run('good.scenario.ts', scenario('')),
    run('bad.scenario.ts', scenario("throw new Error('it sinks');")),
  ]);
  assert.equal([good.passed, good.failed, good.problems], [2, 0, []]);
  assert.equal([bad.passed, bad.failed], [1, 1]);
  assert.match(bad.output, 'then b: Error: it sinks');
});

test('a file says that it is long, and is told from the others', () => {
  write('long/a.test.ts', '// @long\n// What it is about.\n');
  write('long/b.test.ts', '// It is not @long.\n');
  assert.equal(
    discoverTests(join(root, 'long'), []).map(({ isLong }) => isLong),
    [true, false],
  );
});

test.after(() => rmSync(root, { recursive: true, force: true }));

test('what fails among others may pass alone, and is named; what fails alone too has failed', async () => {
  const once = `${UVU}import { existsSync, writeFileSync } from 'node:fs';
test('fails the first time', () => {
  const isFirst = !existsSync('been-here');
  writeFileSync('been-here', '');
  assert.not(isFirst);
});
test.run();
`;
  const busy = write('busy.test.ts', once);
  const broken = write('broken.test.ts', `${UVU}test('fails', () => assert.ok(false));\ntest.run();\n`);
  const { passed, lines } = await runPrinted([busy]);
  assert.is(passed, true);
  assert.ok(lines.includes('passed when it ran again, alone: busy.test.ts'));
  assert.is(lines.at(-1), '1 passed, 0 failed');
  const second = await runPrinted([broken]);
  assert.is(second.passed, false);
  assert.ok(second.lines.includes('failed when it ran again, alone: broken.test.ts'));
  const many = Array.from({ length: 6 }, (_, at) =>
    write(`many/${at}.test.ts`, `${UVU}test('fails', () => assert.ok(false));\ntest.run();\n`),
  );
  const { lines: told } = await runPrinted(many);
  assert.not(
    told.some((line) => line.includes('ran again')),
    'so many fail for no want of time',
  );
  assert.is(told.at(-1), '0 passed, 6 failed');
});

test.run();
