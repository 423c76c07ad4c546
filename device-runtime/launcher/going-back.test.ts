// @long
// When the launcher goes back from a release, with real processes.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { confirm, readBootState, readResult } from '../slots/index.ts';
import { ended, id, isAlive, LaunchedSite, neverQuick, quick, until } from './test-launches.ts';

const test = suite('the launcher, going back');

let site: LaunchedSite;
test.before.each(async () => {
  site = await LaunchedSite.open();
});
test.after.each(() => site.close());

/** Processes that wait for so many seconds: a number that nobody else on this machine waits for. */
async function naps(seconds: string): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'args']);
  return stdout.split('\n').filter((line) => line === `sleep ${seconds}`).length;
}

test('a trial that confirms itself is what runs from then on', async () => {
  await site.release('a', 'wait');
  await site.trialOf('a');
  const child = site.launch('run');
  await site.starts(1);
  assert.is((await readBootState(site.layout)).trial?.starts, 1);
  await confirm(site.layout, 'a');
  child.kill('SIGTERM');
  assert.is(await ended(child), 0);
  const again = site.launch('run');
  await site.starts(2);
  again.kill('SIGTERM');
  await ended(again);
  assert.equal(site.slotsStarted(), ['a', 'a']);
  assert.equal(
    [await readBootState(site.layout), await readResult(site.layout)],
    [{ current: 'a', trial: undefined }, undefined],
  );
});

test('a trial that dies has three starts, and then what ran before runs again', async () => {
  await site.release('b', 'exit 1');
  await site.trialOf('b');
  for (let start = 1; start <= 3; start++) {
    assert.is(await site.run(quick), 1);
    assert.is((await readBootState(site.layout)).trial?.starts, start);
  }
  const child = site.launch('run');
  await site.starts(4);
  assert.equal(site.slotsStarted(), ['b', 'b', 'b', 'factory']);
  assert.equal(await readBootState(site.layout), { current: 'factory', trial: undefined });
  assert.equal(await readResult(site.layout), { kind: 'rolled-back', id, slot: 'b', reason: 'starts' });
  child.kill('SIGTERM');
  await ended(child);
});

test('a start of a trial is counted before it is made: a power cut in it is one of the three', async () => {
  await site.release('b', 'wait');
  await site.trialOf('b');
  for (let start = 1; start <= 3; start++) {
    const child = site.launch('run');
    await site.starts(start);
    child.kill('SIGKILL');
    await until(() => !isAlive(site.notes('started').at(-1)?.pid as number));
  }
  const child = site.launch('run');
  await site.starts(4);
  assert.is(site.slotsStarted().at(-1), 'factory');
  child.kill('SIGTERM');
  await ended(child);
});

test('a trial whose start cannot be counted is not started', async () => {
  await site.release('b', 'wait');
  await site.trialOf('b');
  // In the place of the file that is written first: what nobody can write over.
  await mkdir(`${site.layout.boot.state}.new`);
  const child = site.launch('run');
  await site.starts(1);
  assert.equal(site.slotsStarted(), ['factory']);
  assert.is((await readBootState(site.layout)).trial?.starts, 0);
  child.kill('SIGTERM');
  await ended(child);
});

test('a trial that cannot use the configuration is gone back from at once, and the launcher is started again', async () => {
  await site.release('b', 'exit 2');
  await site.trialOf('b');
  assert.is(await site.run(), 1);
  assert.equal(await readResult(site.layout), {
    kind: 'rolled-back',
    id,
    slot: 'b',
    reason: 'configuration',
  });
  assert.equal(await readBootState(site.layout), { current: 'factory', trial: undefined });
});

test('a trial whose slot is not there, or has nothing to run, is gone back from', async () => {
  for (const makeSlot of [
    async () => {},
    async () => void (await mkdir(join(site.layout.slots, 'b/bin'), { recursive: true })),
    async () => {
      await site.release('b', 'wait');
      await rm(join(site.layout.slots, 'b/bin/node'));
      await writeFile(join(site.layout.slots, 'b/bin/node'), 'not executable');
    },
    async () => {
      await site.release('b', 'wait');
      await writeFile(join(site.layout.slots, 'b/gateway.mjs'), '');
    },
  ]) {
    await rm(join(site.folder, 'notes'), { force: true });
    // A result of the same offer is a decision.
    await rm(site.layout.boot.folder, { recursive: true, force: true });
    await makeSlot();
    await site.trialOf('b');
    const child = site.launch('run');
    await site.starts(1);
    assert.equal(site.slotsStarted(), ['factory']);
    assert.equal(await readResult(site.layout), { kind: 'rolled-back', id, slot: 'b', reason: 'missing' });
    child.kill('SIGTERM');
    await ended(child);
  }
});

test('a trial that is not confirmed in time is asked to end, and gone back from', async () => {
  await site.release('b', 'wait');
  await site.trialOf('b');
  assert.is(await site.run({ LOADLINE_TRIAL_SECONDS: '0.3' }), 0);
  assert.equal(
    site.notes().map(({ what }) => what),
    ['started', 'SIGTERM'],
  );
  assert.equal(await readBootState(site.layout), { current: 'factory', trial: undefined });
  assert.equal(await readResult(site.layout), { kind: 'rolled-back', id, slot: 'b', reason: 'deadline' });
});

test('one that hangs is made to end', async () => {
  await site.release('b', 'deaf');
  await site.trialOf('b');
  assert.is(await site.run({ LOADLINE_TRIAL_SECONDS: '0.3', LOADLINE_GRACE_SECONDS: '0.3' }), 128 + 9);
  assert.equal(await readResult(site.layout), { kind: 'rolled-back', id, slot: 'b', reason: 'deadline' });
  assert.is(site.notes('SIGTERM').length, 1);
});

test('one that was confirmed is left alone when the time is over', async () => {
  const seconds = `2.${process.pid}`;
  await site.release('b', 'wait');
  await site.trialOf('b');
  const child = site.launch('run', { LOADLINE_TRIAL_SECONDS: seconds });
  await site.starts(1);
  await confirm(site.layout, 'b');
  assert.is(await naps(seconds), 1);
  await until(async () => (await naps(seconds)) === 0);
  await delay(300);
  assert.is(child.exitCode, null);
  assert.equal(site.notes('SIGTERM'), []);
  child.kill('SIGTERM');
  assert.is(await ended(child), 0);
  assert.is((await readBootState(site.layout)).current, 'b');
});

test('a deadline leaves no process behind, neither that of the launcher nor that of a start', async () => {
  const seconds = `3600.${process.pid}`;
  await site.release('b', 'wait');
  await site.trialOf('b');
  const child = site.launch('run', { LOADLINE_TRIAL_SECONDS: seconds });
  await until(async () => (await naps(seconds)) === 1);
  child.kill('SIGTERM');
  await ended(child);
  await until(async () => (await naps(seconds)) === 0);
  // Where the launcher goes on it would end a later start before its time.
  await site.release('b', 'exit 1');
  const kept = site.launch('keep', { LOADLINE_TRIAL_SECONDS: seconds, LOADLINE_PAUSE_SECONDS: '0.05' });
  await until(() => site.slotsStarted().at(-1) === 'factory');
  await until(async () => (await naps(seconds)) === 0);
  kept.kill('SIGTERM');
  await ended(kept);
});

test('what was decided is carried out, where the power was cut between the result and the state', async () => {
  await site.release('b', 'wait');
  await site.trialOf('b');
  await writeFile(site.layout.boot.result, `rolled-back id=${id} slot=b reason=deadline\n`);
  const child = site.launch('run');
  await site.starts(1);
  assert.equal(site.slotsStarted(), ['factory']);
  assert.equal(await readBootState(site.layout), { current: 'factory', trial: undefined });
  child.kill('SIGTERM');
  await ended(child);
});

test('a release that dies at once three times is left for the other slot, and that one for what came with the image', async () => {
  await site.release('a', 'exit 1');
  await site.release('b', 'exit 1');
  await mkdir(site.layout.boot.folder);
  await writeFile(site.layout.boot.state, 'current=a\n');
  for (let start = 0; start < 3; start++) assert.is(await site.run(quick), 1);
  assert.equal(await readResult(site.layout), { kind: 'fell-back', slot: 'a', to: 'b', reason: 'deaths' });
  // Nobody knows whether that one was ever good: it is tried.
  assert.is((await readBootState(site.layout)).trial?.slot, 'b');
  for (let start = 0; start < 3; start++) assert.is(await site.run(quick), 1);
  const child = site.launch('run', quick);
  await site.starts(7);
  assert.equal(site.slotsStarted(), ['a', 'a', 'a', 'b', 'b', 'b', 'factory']);
  assert.is((await readBootState(site.layout)).current, 'factory');
  child.kill('SIGTERM');
  await ended(child);
});

test('deaths that have a long life between them are not in a row, nor are ends that were asked for', async () => {
  await site.release('a', 'exit 1');
  await mkdir(site.layout.boot.folder);
  await writeFile(site.layout.boot.state, 'current=a\n');
  for (let round = 0; round < 2; round++) {
    for (let start = 0; start < 2; start++) await site.run(quick);
    await site.run(neverQuick);
  }
  for (let start = 0; start < 2; start++) await site.run(quick);
  await site.release('a', 'wait');
  const child = site.launch('run', quick);
  await site.starts(9);
  child.kill('SIGTERM');
  await ended(child);
  await site.release('a', 'exit 1');
  for (let start = 0; start < 2; start++) await site.run(quick);
  assert.equal(new Set(site.slotsStarted()), new Set(['a']));
  await site.run(quick);
  assert.is((await readBootState(site.layout)).current, 'factory');
});

test('a gateway that a watchdog ends at each start is left too', async () => {
  await site.release('a', 'deaf');
  await mkdir(site.layout.boot.folder);
  await writeFile(site.layout.boot.state, 'current=a\n');
  for (let start = 1; start <= 3; start++) {
    const child = site.launch('run', quick);
    await site.starts(start);
    child.kill('SIGABRT');
    await ended(child);
  }
  assert.equal(await readResult(site.layout), {
    kind: 'fell-back',
    slot: 'a',
    to: 'factory',
    reason: 'deaths',
  });
});

test('one that ends to have an update tried has not died', async () => {
  await site.release('b', 'wait');
  await site.release('factory', 'exit 0');
  await site.trialOf('b');
  await mkdir(site.layout.boot.folder, { recursive: true });
  // As if the release that came with it had just put the trial there.
  await writeFile(`${site.layout.boot.folder}/deaths`, 'slot=factory count=2\n');
  await rm(join(site.layout.slots, 'b'), { recursive: true });
  await writeFile(site.layout.boot.state, 'current=factory\n');
  const child = site.launch('run', quick);
  assert.is(await ended(child), 0);
  // Without one it is a death.
  assert.is(await readFile(`${site.layout.boot.folder}/deaths`, 'utf8'), 'slot=factory count=3\n');
  await site.release('b', 'wait');
  await writeFile(
    join(site.layout.factory, 'gateway.mjs'),
    `import { writeFileSync } from 'node:fs';
     writeFileSync('${site.layout.boot.state}', 'current=factory trial=b starts=0 seconds=600 id=${id}\\n');`,
  );
  await writeFile(site.layout.boot.state, 'current=factory\n');
  await writeFile(`${site.layout.boot.folder}/deaths`, 'slot=factory count=1\n');
  assert.is(await site.run(quick), 0);
  assert.not.ok(existsSync(`${site.layout.boot.folder}/deaths`));
  assert.is((await readBootState(site.layout)).trial?.slot, 'b');
});

test.run();
