// The launcher that ships, with real processes: what it starts, what it passes on, and when it goes back.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  confirm,
  confirmLauncher,
  layoutOf,
  readBootState,
  readResult,
  slotFolder,
  startTrial,
} from '../slots/index.ts';

const test = suite('the launcher');
const launcherPath = fileURLToPath(new URL('loadline-launch', import.meta.url));

const id = '0b6a3c1e-7d9f-4d0e-9c54-3f1f0b8f1a11';

/** Stands for a gateway: notes that it was started and how, and does what the file `does` beside it says. */
const program = `
import { appendFileSync, readFileSync } from 'node:fs';
const { LOADLINE_SLOT: slot, LOADLINE_BOOT: boot, LOADLINE_RELEASE: release, LOADLINE_STAGE: stage } = process.env;
const note = (what) => appendFileSync(process.env.NOTES, JSON.stringify({ what, slot, pid: process.pid, ...more }) + '\\n');
let more = { boot, release, stage, argv: process.argv.slice(2), watchdog: process.env.WATCHDOG_PID, flags: process.execArgv };
const does = readFileSync(release + '/does', 'utf8').trim();
const end = (signal, code) => process.on(signal, () => { note(signal); setTimeout(() => process.exit(code), 50); });
end('SIGTERM', 0);
end('SIGINT', 0);
end('SIGHUP', 5);
if (does === 'deaf') process.on('SIGTERM', () => {}).removeAllListeners('SIGTERM').on('SIGTERM', () => note('SIGTERM'));
note('started');
more = {};
if (does.startsWith('exit ')) process.exit(Number(does.slice(5)));
setInterval(() => {}, 1000);
`;

interface Note {
  readonly what: string;
  readonly slot: string;
  readonly pid: number;
  readonly boot: string;
  readonly release: string;
  readonly stage?: string;
  readonly argv: readonly string[];
  readonly watchdog?: string;
  readonly flags: readonly string[];
}

let folder: string;
let layout: ReturnType<typeof layoutOf>;
let environment: Record<string, string | undefined>;
let started: ChildProcess[];

test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loadline-launch-'));
  const roots = {
    LOADLINE_PREFIX: join(folder, 'opt'),
    LOADLINE_STORE: join(folder, 'store'),
    LOADLINE_STATE: join(folder, 'state'),
  };
  layout = layoutOf(roots);
  environment = { PATH: process.env.PATH, NOTES: join(folder, 'notes'), ...roots };
  started = [];
  await mkdir(layout.slots, { recursive: true });
  await mkdir(roots.LOADLINE_STATE);
  await release('factory', 'wait');
});
test.after.each(async () => {
  for (const child of started)
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  for (const { pid } of notes('started')) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  await rm(folder, { recursive: true });
});

/** Puts a release into a slot that does `does`: waits for a signal, is deaf, or ends with a code. */
async function release(slot: 'a' | 'b' | 'factory', does: string): Promise<void> {
  const tree = slotFolder(layout, slot);
  await rm(tree, { recursive: true, force: true });
  await mkdir(join(tree, 'bin'), { recursive: true });
  await symlink(process.execPath, join(tree, 'bin/node'));
  await writeFile(join(tree, 'gateway.mjs'), program);
  await writeFile(join(tree, 'does'), does);
  await writeFile(join(tree, 'manifest.json'), `{\n "version": "1.0.${slot.length}",\n "x": 1\n}\n`);
}

function launch(command: string, more: Record<string, string> = {}, path = launcherPath): ChildProcess {
  const child = spawn(path, [command, '--config', 'a file'], {
    env: { ...environment, ...more },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  started.push(child);
  return child;
}

async function ended(child: ChildProcess): Promise<number | string> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode ?? (child.signalCode as string);
}

/** Runs it as something does that starts it again each time. */
async function run(more: Record<string, string> = {}): Promise<number | string> {
  return await ended(launch('run', more));
}

function notes(what?: string): Note[] {
  if (!existsSync(join(folder, 'notes'))) return [];
  return readFileSync(join(folder, 'notes'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Note)
    .filter((note) => what === undefined || note.what === what);
}

const slotsStarted = () => notes('started').map(({ slot }) => slot);

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const limit = performance.now() + 10_000;
  while (!(await condition())) {
    if (performance.now() > limit) throw new Error(`waited in vain; notes: ${JSON.stringify(notes())}`);
    await delay(10);
  }
}

const starts = (count: number) => until(() => notes('started').length >= count);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // One that has ended and that nobody has waited for is not.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

const trialOf = (slot: 'a' | 'b', seconds = 600) => startTrial(layout, { slot, seconds, id });
const quick = { LOADLINE_QUICK_SECONDS: '100' };
const neverQuick = { LOADLINE_QUICK_SECONDS: '0' };

test('a new installation runs what came with it, and the gateway is told which slot that is', async () => {
  const child = launch('run', { WATCHDOG_PID: '1' });
  await starts(1);
  const [first] = notes('started') as [Note];
  assert.equal([first.slot, first.release, first.boot], ['factory', layout.factory, layout.boot.folder]);
  assert.equal(first.argv, ['--config', 'a file']);
  assert.equal(first.flags, ['--max-semi-space-size=1']);
  assert.is(first.watchdog, '1');
  child.kill('SIGTERM');
  assert.is(await ended(child), 0);
  // Nothing was to be noted.
  assert.not.ok(existsSync(layout.boot.folder));
});

test("a watchdog that is the launcher's by its number is the gateway's", async () => {
  const child = spawn('sh', ['-c', 'WATCHDOG_PID=$$ exec "$0" run', launcherPath], { env: environment });
  started.push(child);
  await starts(1);
  assert.is(notes('started')[0]?.watchdog, undefined);
  child.kill('SIGTERM');
  await ended(child);
});

test('TERM, INT and HUP are passed on, once, and it waits for the end and ends with its code', async () => {
  for (const [signal, code] of [
    ['SIGTERM', 0],
    ['SIGINT', 0],
    ['SIGHUP', 5],
  ] as const) {
    await rm(join(folder, 'notes'), { force: true });
    const child = launch('run');
    await starts(1);
    child.kill(signal);
    assert.is(await ended(child), code, signal);
    assert.equal(
      notes().map(({ what }) => what),
      ['started', signal],
    );
  }
});

test('ABRT, the word of a watchdog, ends both', async () => {
  const child = launch('run');
  await starts(1);
  child.kill('SIGABRT');
  assert.is(await ended(child), 128 + 6);
});

test('a gateway that is killed is the end of the launcher, and a launcher that is killed that of the gateway', async () => {
  const first = launch('run');
  await starts(1);
  process.kill(notes('started')[0]?.pid as number, 'SIGKILL');
  assert.is(await ended(first), 128 + 9);
  const second = launch('run');
  await starts(2);
  second.kill('SIGKILL');
  const { pid } = notes('started')[1] as Note;
  await until(() => !isAlive(pid));
  assert.is(notes('SIGTERM').length, 1);
});

test('codes: 0 and 1 are passed on; 2, a configuration that cannot be used, is 78, which no shell ends with itself', async () => {
  for (const [code, seen] of [
    [0, 0],
    [1, 1],
    [2, 78],
  ]) {
    await release('factory', `exit ${code}`);
    assert.is(await run(neverQuick), seen);
  }
  assert.equal(await readBootState(layout), { current: 'factory', trial: undefined });
});

test('a trial that confirms itself is what runs from then on', async () => {
  await release('a', 'wait');
  await trialOf('a');
  const child = launch('run');
  await starts(1);
  assert.is((await readBootState(layout)).trial?.starts, 1);
  await confirm(layout, 'a');
  child.kill('SIGTERM');
  assert.is(await ended(child), 0);
  const again = launch('run');
  await starts(2);
  again.kill('SIGTERM');
  await ended(again);
  assert.equal(slotsStarted(), ['a', 'a']);
  assert.equal(
    [await readBootState(layout), await readResult(layout)],
    [{ current: 'a', trial: undefined }, undefined],
  );
});

test('a trial that dies has three starts, and then what ran before runs again', async () => {
  await release('b', 'exit 1');
  await trialOf('b');
  for (let start = 1; start <= 3; start++) {
    assert.is(await run(quick), 1);
    assert.is((await readBootState(layout)).trial?.starts, start);
  }
  const child = launch('run');
  await starts(4);
  assert.equal(slotsStarted(), ['b', 'b', 'b', 'factory']);
  assert.equal(await readBootState(layout), { current: 'factory', trial: undefined });
  assert.equal(await readResult(layout), { kind: 'rolled-back', id, slot: 'b', reason: 'starts' });
  child.kill('SIGTERM');
  await ended(child);
});

test('a start of a trial is counted before it is made: a power cut in it is one of the three', async () => {
  await release('b', 'wait');
  await trialOf('b');
  for (let start = 1; start <= 3; start++) {
    const child = launch('run');
    await starts(start);
    child.kill('SIGKILL');
    await until(() => !isAlive(notes('started').at(-1)?.pid as number));
  }
  const child = launch('run');
  await starts(4);
  assert.is(slotsStarted().at(-1), 'factory');
  child.kill('SIGTERM');
  await ended(child);
});

test('a trial whose start cannot be counted is not started', async () => {
  await release('b', 'wait');
  await trialOf('b');
  // In the place of the file that is written first: what nobody can write over.
  await mkdir(`${layout.boot.state}.new`);
  const child = launch('run');
  await starts(1);
  assert.equal(slotsStarted(), ['factory']);
  assert.is((await readBootState(layout)).trial?.starts, 0);
  child.kill('SIGTERM');
  await ended(child);
});

test('a trial that cannot use the configuration is gone back from at once, and the launcher is started again', async () => {
  await release('b', 'exit 2');
  await trialOf('b');
  assert.is(await run(), 1);
  assert.equal(await readResult(layout), { kind: 'rolled-back', id, slot: 'b', reason: 'configuration' });
  assert.equal(await readBootState(layout), { current: 'factory', trial: undefined });
});

test('a trial whose slot is not there, or has nothing to run, is gone back from', async () => {
  for (const makeSlot of [
    async () => {},
    async () => void (await mkdir(join(layout.slots, 'b/bin'), { recursive: true })),
    async () => {
      await release('b', 'wait');
      await rm(join(layout.slots, 'b/bin/node'));
      await writeFile(join(layout.slots, 'b/bin/node'), 'not executable');
    },
    async () => {
      await release('b', 'wait');
      await writeFile(join(layout.slots, 'b/gateway.mjs'), '');
    },
  ]) {
    await rm(join(folder, 'notes'), { force: true });
    await makeSlot();
    await trialOf('b');
    const child = launch('run');
    await starts(1);
    assert.equal(slotsStarted(), ['factory']);
    assert.equal(await readResult(layout), { kind: 'rolled-back', id, slot: 'b', reason: 'missing' });
    child.kill('SIGTERM');
    await ended(child);
  }
});

test('a trial that is not confirmed in time is asked to end, and gone back from', async () => {
  await release('b', 'wait');
  await trialOf('b');
  assert.is(await run({ LOADLINE_TRIAL_SECONDS: '0.3' }), 0);
  assert.equal(
    notes().map(({ what }) => what),
    ['started', 'SIGTERM'],
  );
  assert.equal(await readBootState(layout), { current: 'factory', trial: undefined });
  assert.equal(await readResult(layout), { kind: 'rolled-back', id, slot: 'b', reason: 'deadline' });
});

test('one that hangs is made to end', async () => {
  await release('b', 'deaf');
  await trialOf('b');
  assert.is(await run({ LOADLINE_TRIAL_SECONDS: '0.3', LOADLINE_GRACE_SECONDS: '0.3' }), 128 + 9);
  assert.equal(await readResult(layout), { kind: 'rolled-back', id, slot: 'b', reason: 'deadline' });
  assert.is(notes('SIGTERM').length, 1);
});

test('one that was confirmed is left alone when the time is over', async () => {
  await release('b', 'wait');
  await trialOf('b');
  const child = launch('run', { LOADLINE_TRIAL_SECONDS: '0.5' });
  await starts(1);
  await confirm(layout, 'b');
  await delay(800);
  assert.is(child.exitCode, null);
  assert.equal(notes('SIGTERM'), []);
  child.kill('SIGTERM');
  assert.is(await ended(child), 0);
  assert.is((await readBootState(layout)).current, 'b');
});

test('a deadline leaves no process behind, whether it was reached or not', async () => {
  await release('b', 'wait');
  await trialOf('b');
  const child = launch('run', { LOADLINE_TRIAL_SECONDS: '3600' });
  await starts(1);
  const naps = async () => (await promisify(execFile)('ps', ['-eo', 'args'])).stdout.match(/^sleep 3600$/gm);
  await until(async () => (await naps()) !== null);
  child.kill('SIGTERM');
  await ended(child);
  await until(async () => (await naps()) === null);
});

test('what was decided is carried out, where the power was cut between the result and the state', async () => {
  await release('b', 'wait');
  await trialOf('b');
  await writeFile(layout.boot.result, `rolled-back id=${id} slot=b reason=deadline\n`);
  const child = launch('run');
  await starts(1);
  assert.equal(slotsStarted(), ['factory']);
  assert.equal(await readBootState(layout), { current: 'factory', trial: undefined });
  child.kill('SIGTERM');
  await ended(child);
});

test('a release that dies at once three times is left for the other slot, and that one for what came with the image', async () => {
  await release('a', 'exit 1');
  await release('b', 'exit 1');
  await mkdir(layout.boot.folder);
  await writeFile(layout.boot.state, 'current=a\n');
  for (let start = 0; start < 3; start++) assert.is(await run(quick), 1);
  assert.equal(await readResult(layout), { kind: 'fell-back', slot: 'a', to: 'b', reason: 'deaths' });
  // Nobody knows whether that one was ever good: it is tried.
  assert.is((await readBootState(layout)).trial?.slot, 'b');
  for (let start = 0; start < 3; start++) assert.is(await run(quick), 1);
  const child = launch('run', quick);
  await starts(7);
  assert.equal(slotsStarted(), ['a', 'a', 'a', 'b', 'b', 'b', 'factory']);
  assert.is((await readBootState(layout)).current, 'factory');
  child.kill('SIGTERM');
  await ended(child);
});

test('deaths that have a long life between them are not in a row, nor are ends that were asked for', async () => {
  await release('a', 'exit 1');
  await mkdir(layout.boot.folder);
  await writeFile(layout.boot.state, 'current=a\n');
  for (let round = 0; round < 2; round++) {
    for (let start = 0; start < 2; start++) await run(quick);
    await run(neverQuick);
  }
  for (let start = 0; start < 2; start++) await run(quick);
  await release('a', 'wait');
  const child = launch('run', quick);
  await starts(9);
  child.kill('SIGTERM');
  await ended(child);
  await release('a', 'exit 1');
  for (let start = 0; start < 2; start++) await run(quick);
  assert.equal(new Set(slotsStarted()), new Set(['a']));
  await run(quick);
  assert.is((await readBootState(layout)).current, 'factory');
});

test('a gateway that a watchdog ends at each start is left too', async () => {
  await release('a', 'deaf');
  await mkdir(layout.boot.folder);
  await writeFile(layout.boot.state, 'current=a\n');
  for (let start = 1; start <= 3; start++) {
    const child = launch('run', quick);
    await starts(start);
    child.kill('SIGABRT');
    await ended(child);
  }
  assert.equal(await readResult(layout), { kind: 'fell-back', slot: 'a', to: 'factory', reason: 'deaths' });
});

test('one that ends to have an update tried has not died', async () => {
  await release('b', 'wait');
  await release('factory', 'exit 0');
  await trialOf('b');
  await mkdir(layout.boot.folder, { recursive: true });
  // As if the release that came with it had just put the trial there.
  await writeFile(`${layout.boot.folder}/deaths`, 'slot=factory count=2\n');
  await rm(join(layout.slots, 'b'), { recursive: true });
  await writeFile(layout.boot.state, 'current=factory\n');
  const child = launch('run', quick);
  assert.is(await ended(child), 0);
  // Without one it is a death.
  assert.is(await readFile(`${layout.boot.folder}/deaths`, 'utf8'), 'slot=factory count=3\n');
  await release('b', 'wait');
  await writeFile(
    join(layout.factory, 'gateway.mjs'),
    `import { writeFileSync } from 'node:fs';
     writeFileSync('${layout.boot.state}', 'current=factory trial=b starts=0 seconds=600 id=${id}\\n');`,
  );
  await writeFile(layout.boot.state, 'current=factory\n');
  assert.is(await run(quick), 0);
  assert.not.ok(existsSync(`${layout.boot.folder}/deaths`));
  assert.is((await readBootState(layout)).trial?.slot, 'b');
});

test('where what is current is not there, what is there runs', async () => {
  await mkdir(layout.boot.folder);
  await writeFile(layout.boot.state, 'current=a\n');
  const child = launch('run');
  await starts(1);
  assert.equal(slotsStarted(), ['factory']);
  assert.equal(await readResult(layout), { kind: 'fell-back', slot: 'a', to: 'factory', reason: 'missing' });
  child.kill('SIGTERM');
  await ended(child);
  await rm(layout.factory, { recursive: true });
  await release('b', 'wait');
  const other = launch('run');
  await starts(2);
  assert.is(slotsStarted().at(-1), 'b');
  other.kill('SIGTERM');
  await ended(other);
  await rm(join(layout.slots, 'b'), { recursive: true });
  await writeFile(layout.boot.state, 'current=a\n');
  const none = launch('run');
  let said = '';
  none.stderr?.on('data', (text) => {
    said += text;
  });
  await once(none, 'close');
  assert.is(none.exitCode, 1);
  assert.match(said, 'there is no release in');
});

test('whatever stands in the state, a whole release is started, and nothing of it is run', async () => {
  await mkdir(layout.boot.folder);
  const trial = `starts=0 seconds=600 id=${id}`;
  for (const content of [
    '',
    'current=',
    'current=c\n',
    'current=../../x\n',
    `current=a trial=a ${trial}\n`,
    `current=a trial=$(touch ${folder}/touched) ${trial}\n`,
    'current=a\ncurrent=a\n',
    `current=factory trial=b ${trial} x\n`,
    `current=factory trial=b starts=0 seconds=600 id=*\n`,
    '\0'.repeat(4096),
    'x'.repeat(1_000_000),
  ]) {
    await rm(join(folder, 'notes'), { force: true });
    await writeFile(layout.boot.state, content);
    const child = launch('run');
    await starts(1);
    assert.equal(slotsStarted(), ['factory'], content.slice(0, 80));
    child.kill('SIGTERM');
    await ended(child);
  }
  assert.not.ok(existsSync(join(folder, 'touched')));
});

test('exec runs the program of the slot in force, and changes nothing; pipes and links in its way do not hold it up', async () => {
  await release('a', 'exit 7');
  await release('b', 'exit 8');
  const executed = async () => {
    await ended(launch('exec'));
    return notes('started').at(-1)?.slot;
  };
  await release('factory', 'exit 6');
  assert.is(await executed(), 'factory');
  await mkdir(layout.boot.folder);
  await writeFile(layout.boot.state, 'current=a\n');
  assert.is(await ended(launch('exec')), 7);
  await trialOf('b');
  assert.is(await executed(), 'b');
  assert.is((await readBootState(layout)).trial?.starts, 0);
  await rm(join(layout.slots, 'b'), { recursive: true });
  assert.is(await executed(), 'a');
  await rm(layout.boot.state);
  await promisify(execFile)('mkfifo', [layout.boot.state]);
  assert.is(await executed(), 'factory');
  await rm(layout.boot.state);
  await writeFile(join(folder, 'elsewhere'), 'current=a\n');
  await symlink(join(folder, 'elsewhere'), layout.boot.state);
  assert.is(await executed(), 'factory');
});

test('status says which slot has what', async () => {
  await release('a', 'wait');
  await mkdir(join(layout.slots, 'b'));
  await mkdir(layout.boot.folder);
  await writeFile(layout.boot.state, `current=factory trial=a starts=1 seconds=600 id=${id}\n`);
  await writeFile(layout.boot.result, `rolled-back id=${id} slot=b reason=starts\n`);
  const { stdout } = await promisify(execFile)(launcherPath, ['status'], { env: environment });
  assert.is(
    stdout,
    'factory: 1.0.7 current\na: 1.0.1 on trial, start 1 of 3, 600 s each\nb:  (cannot be run)\n' +
      `last: rolled-back id=${id} slot=b reason=starts\n`,
  );
});

test('keep starts it again and again, until it is told to end or the configuration cannot be used', async () => {
  await release('factory', 'exit 1');
  const pause = { ...neverQuick, LOADLINE_PAUSE_SECONDS: '0.05' };
  const child = launch('keep', pause);
  await starts(3);
  await release('factory', 'wait');
  await until(() => isAlive(notes('started').at(-1)?.pid ?? 0));
  await delay(100);
  child.kill('SIGTERM');
  assert.is(await ended(child), 0);
  await release('factory', 'exit 2');
  assert.is(await ended(launch('keep', pause)), 78);
});

/** Puts a newer launcher into the store, which says so and does `more` before it goes on as this one. */
async function newerLauncher(version: number, more = ''): Promise<void> {
  const text = (await readFile(launcherPath, 'utf8')).replace(/^version=.*$/m, `version=${version}\n${more}`);
  await mkdir(layout.launcher.folder, { recursive: true });
  await writeFile(layout.launcher.program, text);
  const digest = createHash('sha256').update(text).digest('hex');
  await writeFile(layout.launcher.digest, `${digest} ${version}\n`);
}

async function stageOfOneRun(): Promise<string> {
  const before = notes('started').length;
  const child = launch('run');
  await starts(before + 1);
  child.kill('SIGTERM');
  await ended(child);
  return notes('started').at(-1)?.stage ?? '0';
}

test('a newer launcher that is whole takes over, and is given up after three starts that nobody confirmed', async () => {
  await newerLauncher(1000);
  assert.equal(
    [await stageOfOneRun(), await stageOfOneRun(), await stageOfOneRun(), await stageOfOneRun()],
    ['1', '1', '1', '0'],
  );
  await confirmLauncher(layout);
  assert.is(await stageOfOneRun(), '1');
  await confirmLauncher(layout);
  assert.is(await stageOfOneRun(), '1');
  // Another one begins anew.
  await newerLauncher(1001);
  assert.equal([await stageOfOneRun(), await stageOfOneRun()], ['1', '1']);
});

test('one that is not newer, not whole, or without its digest is left alone', async () => {
  await newerLauncher(1);
  assert.is(await stageOfOneRun(), '0');
  await newerLauncher(1000);
  await writeFile(layout.launcher.program, (await readFile(layout.launcher.program)).subarray(0, -1));
  assert.is(await stageOfOneRun(), '0');
  await newerLauncher(1000);
  await rm(layout.launcher.digest);
  assert.is(await stageOfOneRun(), '0');
  await writeFile(layout.launcher.digest, 'x');
  assert.is(await stageOfOneRun(), '0');
});

test('one that is broken costs three starts, with no code that is final, and then the old one works', async () => {
  for (const fault of ['if', 'exit 3', 'echo "$nothing"']) {
    await rm(layout.boot.folder, { recursive: true, force: true });
    await newerLauncher(1000, fault);
    for (let start = 0; start < 3; start++) assert.not([0, 78].includes((await run()) as number));
    assert.is(await stageOfOneRun(), '0');
  }
});

test.run();
