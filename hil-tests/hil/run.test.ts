// @long
// @time-limit 300 s
// Scenarios that end in every way there is, played by `loadline hil`: what it says, what it leaves, and the code it ends with.
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseXml } from '@rgrove/parse-xml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readBothSides, until } from '../rig/index.ts';

const test = suite('loadline hil, played');

const tool = join(import.meta.dirname, '../../tools/main.ts');
const api = pathToFileURL(join(import.meta.dirname, '../scenario/index.ts')).href;
const rig = pathToFileURL(join(import.meta.dirname, '../rig/index.ts')).href;
const folder = mkdtempSync(join(tmpdir(), 'loadline-hil-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** A file of a scenario with this inside. */
function write(name: string, inside: string, words = ''): string {
  const path = join(folder, `${name}.scenario.ts`);
  writeFileSync(
    path,
    `import { scenario } from '${api}';
export default scenario({ about: 'It is ${name}.', ${words}
  async play({ given, when, then, bench, seed }) {
    ${inside}
  },
});
`,
  );
  return path;
}

interface Told {
  code: number;
  stdout: string;
  stderr: string;
}

function hil(
  args: readonly string[],
  started: (kill: (signal?: NodeJS.Signals) => void) => void = () => {},
): Promise<Told> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [...process.execArgv, tool, 'hil', ...args],
      { cwd: folder },
      (_, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
    started((signal = 'SIGTERM') => child.kill(signal));
  });
}

const good = write(
  'good',
  `await then('seed 5 is here', () => { if (seed !== 5) throw new Error('seed'); });`,
);
const ends: Readonly<Record<string, readonly [inside: string, problem: RegExp, words?: string]>> = {
  wrong: [
    `await then('one is two', () => { throw new Error('it is not'); });`,
    /^then one is two: Error: it is not/,
  ],
  late: [
    `await when('nothing comes', () => new Promise(() => setInterval(() => {}, 1000)));`,
    /^when nothing comes: not done within its time limit of 0.5 s$/,
    'timeLimitMs: 500,',
  ],
  killed: [
    `await when('it is killed', () => process.kill(process.pid, 'SIGKILL'));`,
    /^when it is killed: its process ended \(SIGKILL\)/,
  ],
  astray: [
    `await then('a promise is forgotten', () => { void Promise.reject(new Error('lost')); return new Promise((r) => setTimeout(r, 1000)); });`,
    /^then a promise is forgotten: its process ended \(code 1\).*Error: lost/s,
  ],
  open: [`await then('a timer is left', () => { setInterval(() => {}, 1000); });`, /leaves a handle open/],
  behind: [
    `await then('all is well', () => {}); setTimeout(() => { throw new Error('and broke'); }, 300);`,
    /^after its last step its process ended with code 1.*Error: and broke/s,
  ],
  wordy: [
    `process.send(null); process.send('ready');
    await then('it is short', () => { throw new Error('long '.repeat(40_000)); });`,
    /^then it is short: Error: long long .*long \n/s,
  ],
  leaving: [
    `await then('a process is left', async () => {
      const { spawn } = await import('node:child_process');
      spawn('sleep', ['600'], { detached: true, stdio: 'ignore' }).unref();
    });`,
    /left a process running: \d+ sleep 600/,
  ],
};

test('what passes passes, what fails says where, and each in a process and with a limit of its own', async () => {
  const files = Object.entries(ends).map(([name, [inside, , words]]) => write(name, inside, words));
  const lacking = write('lacking', '', `needs: ['line-speed'],`);
  const nothing = join(folder, 'nothing.scenario.ts');
  writeFileSync(nothing, 'export const about = 1;\n');
  const { code, stdout, stderr } = await hil([
    ...[good, ...files, lacking, nothing],
    ...['--jobs', '3', '--seed', '5', '--json', '--junit', 'r.xml', '--artefacts', 'left'],
  ]);
  assert.is(code, 1, stderr);
  const told = JSON.parse(stdout);
  assert.equal([told.passed, told.failed, told.skipped], [1, files.length + 1, 1], stderr);
  const of = (name: string) => told.scenarios.find((one: { name: string }) => one.name === name);
  assert.is(of('good').result, 'passed');
  assert.equal(
    [of('lacking').result, of('lacking').reason],
    ['skipped', 'needs line-speed: a virtual serial port has no speed of its own'],
  );
  for (const [name, [, problem]] of Object.entries(ends)) assert.match(of(name).problem, problem, name);
  assert.match(of('nothing').problem, 'has no scenario: its default export');
  assert.match(stderr, `skipped: lacking: needs line-speed`);
  parseXml(readFileSync(join(folder, 'r.xml'), 'utf8'));
  assert.equal(readdirSync(join(folder, 'left')).sort(), [...Object.keys(ends), 'nothing'].sort());
  assert.match(readFileSync(join(folder, 'left/wrong/steps.log'), 'utf8'), /FAILED {2}then one is two/);
});

test('where all pass it ends with 0 and leaves nothing; where none was played, with 1', async () => {
  const [all, none] = await Promise.all([
    hil([good, '--seed', '5']),
    hil([write('only-lacking', '', `needs: ['line-speed'],`), '--artefacts', 'elsewhere']),
  ]);
  assert.equal([all.code, none.code], [0, 1]);
  assert.match(all.stdout, /\n1 passed, 0 failed\n$/);
  assert.match(none.stdout, 'not one scenario was played');
  assert.not(existsSync(join(folder, 'hil-artefacts/good')));
});

test('so many are played at a time as is said: two that wait for each other both pass', async () => {
  const meets = (name: string, other: string) =>
    write(
      name,
      `const { existsSync, writeFileSync } = await import('node:fs');
      const { until } = await import('${rig}');
      await when('it has begun', () => writeFileSync('${folder}/${name}.begun', ''));
      await then('the other has too', () => until(() => existsSync('${folder}/${other}.begun'), { limitMs: 40_000 }));`,
    );
  const { code, stdout } = await hil([meets('one', 'other'), meets('other', 'one'), '--jobs', '2']);
  assert.is(code, 0, stdout);
  assert.match(stdout, '2 passed, 0 failed');
});

test('of one that fails on a bench there are the logs of both programs, and a recording that replays its line', async () => {
  const name = 'on-a-bench';
  const path = write(
    name,
    `const { VirtualBaseStation, windTransmitter } = await import('${rig}');
    const { radio, cloud } = await given('a gateway', () => bench.site());
    const station = new VirtualBaseStation(radio);
    const wind = windTransmitter({ tag: 0x25df, intervalMs: 50 });
    await when('wind is measured', async () => { for (const packet of wind.broadcast()) await station.hear(packet); });
    await cloud.stored(1);
    await then('nothing of it is stored', () => { if (cloud.readings().length > 0) throw new Error('it is'); });`,
  );
  const { code, stdout } = await hil([path]);
  assert.is(code, 1);
  const left = join(folder, 'hil-artefacts', name);
  for (const log of ['gateway.log', 'cloud.log']) {
    assert.match(readFileSync(join(left, log), 'utf8'), '"event":', log);
  }
  const [replay = ''] = /loadline replay .*/.exec(stdout) ?? [];
  const [recording = '', ...options] = replay.split(' ').slice(2);
  const pieces = readBothSides(readFileSync(join(folder, recording), 'latin1'));
  const bytes = pieces?.reduce((sum, piece) => sum + piece.bytes.length, 0);
  // The line that is printed is one that can be called.
  const words = [tool, 'replay', recording, ...options, '--link', join(folder, 'radio'), '--json'];
  const heard = await new Promise<string>((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [...process.execArgv, ...words],
      { cwd: folder },
      (error, out) => (error ? reject(error) : resolve(out)),
    );
    child.stdout?.once('data', () => execFile('cat', [join(folder, 'radio')], () => {}));
  });
  assert.equal(JSON.parse(heard.trim().split('\n').at(-1) ?? ''), { bytes, ended: 'complete' });
});

test('killed, it leaves nothing running of what it had started', async () => {
  const pids = join(folder, 'orphans');
  mkdirSync(pids);
  const path = write(
    'orphaned',
    `const { spawn } = await import('node:child_process');
    const { writeFileSync } = await import('node:fs');
    const sleeper = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    for (const pid of [sleeper.pid, process.pid]) writeFileSync('${pids}/' + pid, '');
    await when('nothing comes', () => new Promise(() => setInterval(() => {}, 1000)));`,
  );
  let end = () => {};
  const ended = hil([path, '--artefacts', 'orphaned'], (kill) => {
    end = () => kill('SIGKILL');
  });
  await until(() => readdirSync(pids).length === 2, { limitMs: 60_000, what: 'it plays' });
  end();
  await ended;
  const gone = () => readdirSync(pids).every((pid) => !existsSync(`/proc/${pid}`));
  await until(gone, { limitMs: 10_000, what: 'both are gone' });
});

test('interrupted, it ends what is played and all that was started, says so, and ends with 1', async () => {
  const pids = join(folder, 'pids');
  mkdirSync(pids);
  const path = write(
    'endless',
    `const { writeFileSync } = await import('node:fs');
    const { gateway } = await given('a gateway', () => bench.site());
    writeFileSync('${pids}/' + gateway.service.pid, '');
    await when('nothing comes', () => new Promise(() => setInterval(() => {}, 1000)));`,
  );
  let interrupt = () => {};
  const junit = join(folder, 'interrupted.xml');
  const ended = hil([path, good, '--jobs', '1', '--junit', junit], (kill) => {
    interrupt = kill;
  });
  await until(() => readdirSync(pids).length > 0, { limitMs: 60_000, what: 'the gateway runs' });
  interrupt();
  const { code, stdout } = await ended;
  assert.is(code, 1);
  assert.match(stdout, 'when nothing comes: interrupted');
  assert.match(stdout, '0 passed, 1 failed, 1 skipped');
  assert.match(readFileSync(junit, 'utf8'), /name="good".*interrupted before its turn/s);
  const [pid] = readdirSync(pids);
  await until(() => !existsSync(`/proc/${pid}`), { what: 'the gateway is gone' });
});

test.run();
