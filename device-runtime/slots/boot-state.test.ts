import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type BootState,
  clearResult,
  confirm,
  confirmLauncher,
  formatBootState,
  type Layout,
  layoutOf,
  parseBootState,
  readBootState,
  readInstallResult,
  readResult,
  requestInstall,
  startTrial,
} from './index.ts';

const test = suite('the state of the slots');

const id = '0b6a3c1e-7d9f-4d0e-9c54-3f1f0b8f1a11';
let folder: string;
let layout: Layout;
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loadline-slots-'));
  layout = layoutOf({ LOADLINE_PREFIX: folder, LOADLINE_STORE: folder, LOADLINE_STATE: folder });
});
test.after.each(() => rm(folder, { recursive: true }));

const factory: BootState = { current: 'factory', trial: undefined };

test('a state is one line, and the line is that state', () => {
  const states: [string, BootState][] = [
    ['current=factory\n', factory],
    ['current=b\n', { current: 'b', trial: undefined }],
    [
      `current=a trial=b starts=2 seconds=600 id=${id}\n`,
      { current: 'a', trial: { slot: 'b', starts: 2, seconds: 600, id } },
    ],
  ];
  for (const [line, state] of states) {
    assert.is(formatBootState(state), line);
    assert.equal(parseBootState(line), state);
  }
});

test('what no state says is none, whatever it looks like', () => {
  const trial = `trial=b starts=0 seconds=600 id=${id}`;
  for (const line of [
    '',
    'current=a',
    'current=c\n',
    'current=../a\n',
    'current=a \n',
    'current=a\ncurrent=b\n',
    `current=b ${trial}\n`,
    `current=a trial=factory starts=0 seconds=600 id=${id}\n`,
    `current=a trial=b starts=10 seconds=600 id=${id}\n`,
    `current=a trial=b starts=0 seconds=99999 id=${id}\n`,
    `current=a trial=b starts=0 seconds=5 id=${id}\n`,
    `current=a trial=b starts=0 seconds=600 id=$(reboot)\n`,
    `current=a ${trial} more=1\n`,
  ]) {
    assert.is(parseBootState(line), undefined, line);
  }
  assert.throws(
    () => formatBootState({ current: 'a', trial: { slot: 'a', starts: 0, seconds: 600, id } }),
    'no state of slots is',
  );
});

test('without a line, and with one that is not whole, it is what came with the package', async () => {
  assert.equal(await readBootState(layout), factory);
  await mkdir(layout.boot.folder);
  for (const content of ['', 'current=', 'x'.repeat(100_000)]) {
    await writeFile(layout.boot.state, content);
    assert.equal(await readBootState(layout), factory);
  }
});

test('what is put in the place of the line is not followed, and nobody waits for it', async () => {
  await mkdir(layout.boot.folder);
  await writeFile(join(folder, 'other'), 'current=b\n');
  await symlink(join(folder, 'other'), layout.boot.state);
  assert.equal(await readBootState(layout), factory);
  await rm(layout.boot.state);
  execFileSync('mkfifo', [layout.boot.state]);
  assert.equal(await readBootState(layout), factory);
});

test('a trial is begun from what is current, and confirmed by the release that is on trial', async () => {
  await startTrial(layout, { slot: 'a', seconds: 300, id });
  assert.is(
    await readFile(layout.boot.state, 'utf8'),
    `current=factory trial=a starts=0 seconds=300 id=${id}\n`,
  );
  assert.is((await stat(layout.boot.state)).mode & 0o777, 0o600);
  for (const other of ['b', 'factory'] as const) {
    const fault = await confirm(layout, other).catch((error: Error) => error.message);
    assert.is(fault, `the release in slot ${other} is not on trial`);
  }
  await confirm(layout, 'a');
  assert.is(await readFile(layout.boot.state, 'utf8'), 'current=a\n');
  assert.match(
    (await confirm(layout, 'a').catch((error: Error) => error.message)) as string,
    'is not on trial',
  );
});

test('no trial is begun of what runs, nor beside another', async () => {
  await startTrial(layout, { slot: 'a', seconds: 300, id });
  const beside = await startTrial(layout, { slot: 'b', seconds: 300, id }).catch((error: Error) => error);
  assert.match((beside as Error).message, 'slot a is on trial');
  await confirm(layout, 'a');
  const same = await startTrial(layout, { slot: 'a', seconds: 300, id }).catch((error: Error) => error);
  assert.match((same as Error).message, 'no state of slots is');
  assert.is(await readFile(layout.boot.state, 'utf8'), 'current=a\n');
});

test('what the launcher went back from is read until it was told', async () => {
  assert.is(await readResult(layout), undefined);
  await mkdir(layout.boot.folder);
  await writeFile(layout.boot.result, `rolled-back id=${id} slot=b reason=deadline\n`);
  assert.equal(await readResult(layout), { kind: 'rolled-back', id, slot: 'b', reason: 'deadline' });
  await writeFile(layout.boot.result, 'fell-back slot=a to=factory reason=deaths\n');
  assert.equal(await readResult(layout), { kind: 'fell-back', slot: 'a', to: 'factory', reason: 'deaths' });
  await writeFile(layout.boot.result, `rolled-back id=${id} slot=b reason=boredom\n`);
  assert.is(await readResult(layout), undefined);
  await clearResult(layout);
  assert.is(await stat(layout.boot.result).catch(() => undefined), undefined);
});

test('the starts of a newer launcher are forgotten once a gateway runs by it', async () => {
  const byIt = { LOADLINE_STAGE: '1' };
  await confirmLauncher(layout, byIt);
  await mkdir(layout.boot.folder);
  await writeFile(layout.boot.launcher, 'starts=3\n');
  // By the other one, it was given up.
  await confirmLauncher(layout, {});
  assert.ok(await stat(layout.boot.launcher));
  await confirmLauncher(layout, byIt);
  assert.is(await stat(layout.boot.launcher).catch(() => undefined), undefined);
});

test('a request is checked before it is written, and a result that says something else is none', async () => {
  await mkdir(layout.staging.folder);
  await requestInstall(layout, { id, release: '1.4.0', target: 'linux-arm64' });
  assert.equal(JSON.parse(await readFile(layout.staging.request, 'utf8')), {
    id,
    release: '1.4.0',
    target: 'linux-arm64',
  });
  const bad = { id, release: '../1', target: 'linux-arm64' } as const;
  assert.match(
    ((await requestInstall(layout, bad).catch((error) => error)) as Error).message,
    'is not a version',
  );
  assert.is(await readInstallResult(layout), undefined);
  const refused = { id, outcome: 'refused', code: 'no-room', detail: 'x' };
  await writeFile(layout.installed, JSON.stringify(refused));
  assert.equal(await readInstallResult(layout), refused);
  for (const content of ['{', JSON.stringify({ ...refused, code: 'whatever' })]) {
    await writeFile(layout.installed, content);
    assert.is(await readInstallResult(layout), undefined);
  }
});

test.run();
