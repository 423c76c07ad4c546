// The launcher that ships, with real processes: what it starts, and what it passes on.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readBootState, readResult } from '../slots/index.ts';
import { ended, id, isAlive, LaunchedSite, launcherPath, neverQuick, until } from './test-launches.ts';

const test = suite('the launcher');

let site: LaunchedSite;
test.before.each(async () => {
  site = await LaunchedSite.open();
});
test.after.each(() => site.close());

test('a new installation runs what came with it, and the gateway is told which slot that is', async () => {
  const child = site.launch('run', { WATCHDOG_PID: '1' });
  await site.starts(1);
  const [first] = site.notes('started');
  assert.ok(first);
  assert.equal(
    [first.slot, first.release, first.boot],
    ['factory', site.layout.factory, site.layout.boot.folder],
  );
  assert.equal(first.argv, ['--config', 'a file']);
  assert.equal(first.flags, ['--max-semi-space-size=1']);
  assert.is(first.watchdog, '1');
  child.kill('SIGTERM');
  assert.is(await ended(child), 0);
  // Nothing was to be noted.
  assert.not.ok(existsSync(site.layout.boot.folder));
});

test("a watchdog that is the launcher's by its number is the gateway's", async () => {
  const child = spawn('sh', ['-c', 'WATCHDOG_PID=$$ exec "$0" run', launcherPath], { env: site.environment });
  site.watch(child);
  await site.starts(1);
  assert.is(site.notes('started')[0]?.watchdog, undefined);
  child.kill('SIGTERM');
  await ended(child);
});

test('TERM, INT and HUP are passed on, once, and it waits for the end and ends with its code', async () => {
  for (const [signal, code] of [
    ['SIGTERM', 0],
    ['SIGINT', 0],
    ['SIGHUP', 5],
  ] as const) {
    await rm(join(site.folder, 'notes'), { force: true });
    const child = site.launch('run');
    await site.starts(1);
    child.kill(signal);
    assert.is(await ended(child), code, signal);
    assert.equal(
      site.notes().map(({ what }) => what),
      ['started', signal],
    );
  }
});

test('Ctrl-C, which the whole process group hears, comes to the gateway once', async () => {
  const child = site.watch(spawn(launcherPath, ['run'], { env: site.environment, detached: true }));
  await site.starts(1);
  process.kill(-(child.pid as number), 'SIGINT');
  assert.is(await ended(child), 0);
  assert.is(site.notes('SIGINT').length, 1);
});

test('ABRT, the word of a watchdog, ends both', async () => {
  const child = site.launch('run');
  await site.starts(1);
  child.kill('SIGABRT');
  assert.is(await ended(child), 128 + 6);
});

test('a gateway that is killed is the end of the launcher, and a launcher that is killed that of the gateway', async () => {
  const first = site.launch('run');
  await site.starts(1);
  process.kill(site.notes('started')[0]?.pid as number, 'SIGKILL');
  assert.is(await ended(first), 128 + 9);
  const second = site.launch('run');
  await site.starts(2);
  second.kill('SIGKILL');
  const pid = site.notes('started')[1]?.pid ?? 0;
  await until(() => !isAlive(pid));
  assert.is(site.notes('SIGTERM').length, 1);
});

test('codes: 0 and 1 are passed on; 2, a configuration that cannot be used, is 78, which no shell ends with itself', async () => {
  for (const [code, seen] of [
    [0, 0],
    [1, 1],
    [2, 78],
  ]) {
    await site.release('factory', `exit ${code}`);
    assert.is(await site.run(neverQuick), seen);
  }
  assert.equal(await readBootState(site.layout), { current: 'factory', trial: undefined });
});

test('where what is current is not there, what is there runs', async () => {
  await mkdir(site.layout.boot.folder);
  await writeFile(site.layout.boot.state, 'current=a\n');
  const child = site.launch('run');
  await site.starts(1);
  assert.equal(site.slotsStarted(), ['factory']);
  assert.equal(await readResult(site.layout), {
    kind: 'fell-back',
    slot: 'a',
    to: 'factory',
    reason: 'missing',
  });
  child.kill('SIGTERM');
  await ended(child);
  await rm(site.layout.factory, { recursive: true });
  await site.release('b', 'wait');
  const other = site.launch('run');
  await site.starts(2);
  assert.is(site.slotsStarted().at(-1), 'b');
  other.kill('SIGTERM');
  await ended(other);
  await rm(join(site.layout.slots, 'b'), { recursive: true });
  await writeFile(site.layout.boot.state, 'current=a\n');
  const none = site.launch('run');
  let said = '';
  none.stderr?.on('data', (text) => {
    said += text;
  });
  await once(none, 'close');
  assert.is(none.exitCode, 1);
  assert.match(said, 'there is no release in');
});

test('whatever stands in the state, a whole release is started, and nothing of it is run', async () => {
  await mkdir(site.layout.boot.folder);
  await site.release('a', 'wait');
  await site.release('b', 'wait');
  const trial = `starts=0 seconds=600 id=${id}`;
  for (const content of [
    '',
    'current=',
    'current=c\n',
    'current=../../x\n',
    `current=a trial=a ${trial}\n`,
    `current=a trial=$(touch ${site.folder}/touched) ${trial}\n`,
    'current=a\ncurrent=a\n',
    `current=factory trial=b ${trial} x\n`,
    `current=factory trial=b starts=0 seconds=600 id=*\n`,
    '\0'.repeat(4096),
    'x'.repeat(1_000_000),
  ]) {
    await rm(join(site.folder, 'notes'), { force: true });
    await writeFile(site.layout.boot.state, content);
    const child = site.launch('run');
    await site.starts(1);
    assert.equal(site.slotsStarted(), ['factory'], content.slice(0, 80));
    child.kill('SIGTERM');
    await ended(child);
  }
  assert.not.ok(existsSync(join(site.folder, 'touched')));
});

test('exec runs the program of the slot in force, and changes nothing; pipes and links in its way do not hold it up', async () => {
  await site.release('a', 'exit 7');
  await site.release('b', 'exit 8');
  const executed = async () => {
    await ended(site.launch('exec'));
    return site.notes('started').at(-1)?.slot;
  };
  await site.release('factory', 'exit 6');
  assert.is(await executed(), 'factory');
  await mkdir(site.layout.boot.folder);
  await writeFile(site.layout.boot.state, 'current=a\n');
  assert.is(await ended(site.launch('exec')), 7);
  await site.trialOf('b');
  assert.is(await executed(), 'b');
  assert.is((await readBootState(site.layout)).trial?.starts, 0);
  await rm(join(site.layout.slots, 'b'), { recursive: true });
  assert.is(await executed(), 'a');
  await rm(site.layout.boot.state);
  await promisify(execFile)('mkfifo', [site.layout.boot.state]);
  assert.is(await executed(), 'factory');
  await rm(site.layout.boot.state);
  await writeFile(join(site.folder, 'elsewhere'), 'current=a\n');
  await symlink(join(site.folder, 'elsewhere'), site.layout.boot.state);
  assert.is(await executed(), 'factory');
});

test('status says which slot has what', async () => {
  await site.release('a', 'wait');
  await mkdir(join(site.layout.slots, 'b'));
  await mkdir(site.layout.boot.folder);
  await writeFile(site.layout.boot.state, `current=factory trial=a starts=1 seconds=600 id=${id}\n`);
  await writeFile(site.layout.boot.result, `rolled-back id=${id} slot=b reason=starts\n`);
  const { stdout } = await promisify(execFile)(launcherPath, ['status'], { env: site.environment });
  assert.is(
    stdout,
    'factory: 1.0.7 current\na: 1.0.1 on trial, start 1 of 3, 600 s each\nb:  (cannot be run)\n' +
      `last: rolled-back id=${id} slot=b reason=starts\n`,
  );
});

test('status puts nothing on the terminal of root that a taken-over gateway could mean for it', async () => {
  await mkdir(site.layout.boot.folder);
  await writeFile(site.layout.boot.result, 'x\u001b]0;title\u0007\u009b2J \\033[2J\n');
  const { stdout } = await promisify(execFile)(launcherPath, ['status'], { env: site.environment });
  assert.is(stdout, 'factory: 1.0.7 current\nlast: x]0;title2J \\033[2J\n');
});

test('keep starts it again and again, until it is told to end or the configuration cannot be used', async () => {
  await site.release('factory', 'exit 1');
  const pause = { ...neverQuick, LOADLINE_PAUSE_SECONDS: '0.05' };
  const child = site.launch('keep', pause);
  await site.starts(3);
  // Not the whole release: there is a moment without one then.
  await writeFile(join(site.layout.factory, 'does'), 'wait');
  await until(() => site.notes('started').at(-1)?.does === 'wait');
  child.kill('SIGTERM');
  assert.is(await ended(child), 0);
  await site.release('factory', 'exit 2');
  assert.is(await ended(site.launch('keep', pause)), 78);
});

test.run();
