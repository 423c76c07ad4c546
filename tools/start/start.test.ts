// `npm start` as a user runs it: the recording's way into the store, what it says of it, and how it ends.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readReadings } from '@loadline/cloud';
import { lace, until } from '@loadline/hil-tests';
import { encodeFrame, encodePacket } from '@loadline/sdk/t24';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('start');

const root = join(import.meta.dirname, '../..');
const frameCount = 60;

let folder: string;
let state: string;

/** Two series: tag 1A2B counts down from 0.5 in halves, tag 1A2C is its opposite. */
const frames = Array.from({ length: frameCount }, (_, index) =>
  encodeFrame(
    1,
    encodePacket({
      kind: 'dataProvider',
      flags: 0x20,
      tag: 0x1a2b + (index % 2),
      status: 0x1c,
      dataType: 4,
      value: { type: 'float32', value: (index % 2 === 0 ? -0.5 : 0.5) * (index - 1) },
      rssi: 0xfb,
      cv: 0xe8,
    }),
  ),
);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex').toUpperCase();
const recording = Buffer.concat(frames);

const expectedSeries = [
  { tag: '1A2B', count: 30, first: 0.5, last: -28.5, min: -28.5, max: 0.5 },
  { tag: '1A2C', count: 30, first: 0, last: 29, min: 0, max: 29 },
];

interface Run {
  readonly pid: number;
  /** In the environment of the process and of all it starts. */
  readonly mark: string;
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
  stdout(): string;
}

/** Runs what the npm script runs, with free ports and a process group of its own, as a terminal would. */
function start(...args: string[]): Run {
  const mark = randomUUID();
  const child = spawn(
    process.execPath,
    ['tools/launch.mjs', 'tools/main.ts', 'start', '--https-port', '0', '--mqtt-port', '0', ...args],
    {
      cwd: root,
      env: { ...process.env, LOADLINE_START_TEST: mark },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    },
  );
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return {
    pid: child.pid ?? 0,
    mark,
    stdout: () => stdout,
    ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr }))),
  };
}

/** Command lines of the processes that carry a run's mark, by process id. */
function processesOf({ mark }: Run): Map<number, string> {
  const found = new Map<number, string>();
  for (const path of globSync('/proc/[0-9]*/environ')) {
    try {
      if (!readFileSync(path, 'utf8').includes(mark)) continue;
      const pid = Number(path.split('/')[2]);
      found.set(pid, readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '));
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

async function write(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function replay(file: string, ...args: string[]) {
  const run = start('--state', state, '--replay', file, '--once', '--json', '--speed', 'max', ...args);
  const { code, stdout, stderr } = await run.ended;
  assert.is(code, 0, stderr);
  assert.equal([...processesOf(run)], []);
  assert.match(stdout, /^[^\n]+\n$/);
  return JSON.parse(stdout);
}

function stored() {
  return [...readReadings(join(state, 'cloud'))];
}

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loadline-start-'));
  state = join(folder, 'state');
});

test.after(() => rm(folder, { recursive: true }));

test('a recording in hex, a frame a line, is committed whole, and told in one line of JSON', async () => {
  const told = await replay(await write('lines.hex', `${frames.map(hex).join('\n')}\n`));
  const { latencyMs, ...rest } = told;
  assert.equal(rest, {
    frames: frameCount,
    discardedBytes: 0,
    readings: frameCount,
    stored: frameCount,
    duplicate: 0,
    rejected: 0,
    series: expectedSeries,
  });
  assert.ok(latencyMs.p50 >= 0 && latencyMs.p99 >= latencyMs.p50);
});

test('the same without line breaks is the same, and a second start keeps what the first brought', async () => {
  const before = stored();
  const told = await replay(await write('unbroken.hex', hex(recording)));
  assert.equal(told.series, expectedSeries);
  const after = stored();
  assert.equal(
    after.filter(({ epoch }) => epoch === before[0]?.epoch),
    before,
  );
  assert.is(new Set(after.map(({ epoch }) => epoch)).size, 2);
});

test('as raw bytes, with noise between the frames and in single bytes, it is the same but for the noise', async () => {
  const { bytes, noiseBytes } = lace(recording, { seed: 11 });
  const told = await replay(await write('line.bin', bytes), '--single-bytes');
  assert.equal([told.frames, told.stored, told.rejected, told.duplicate], [frameCount, frameCount, 0, 0]);
  assert.is(told.discardedBytes, noiseBytes);
  assert.equal(told.series, expectedSeries);
});

const mistakes: [what: string, name: string, content: string | undefined, says: RegExp][] = [
  ['there is none', 'missing.hex', undefined, /there is no such file/],
  ['a digit is wrong', 'wrong.hex', '0B0B0123\n0B0G\n', /line 2, column 4: "G" is not a hex digit/],
];
for (const [what, name, content, says] of mistakes) {
  test(`a file of which ${what} is named in one line, with code 2, and nothing is started`, async () => {
    const path = content === undefined ? join(folder, name) : await write(name, content);
    const { code, stdout, stderr } = await start('--state', join(folder, 'unused'), '--replay', path).ended;
    assert.equal([code, stdout], [2, '']);
    assert.match(stderr, /^[^\n]+\n$/);
    assert.ok(stderr.includes(path), stderr);
    assert.match(stderr, says);
    assert.equal(globSync('unused', { cwd: folder }), []);
  });
}

test('Ctrl-C before anything has been started ends it without a complaint', async () => {
  const run = start('--state', join(folder, 'early'));
  await until(() => [...processesOf(run).values()].some((command) => command.includes('tools/build')), {
    limitMs: 20_000,
    what: 'the build runs',
  });
  process.kill(-run.pid, 'SIGINT');
  assert.equal(await run.ended, { code: 0, stdout: '', stderr: '' });
  assert.equal([...processesOf(run)], []);
});

test('Ctrl-C ends the cloud, the gateway and all else in order', async () => {
  const run = start('--state', state);
  await until(() => /committed [1-9]/.test(run.stdout()), {
    limitMs: 60_000,
    what: 'readings are committed',
  });
  const running = processesOf(run);
  const commands = [...running.values()].join('\n');
  for (const program of ['tools/launch.mjs', 'tools/main.ts', 'cloud/main.ts', 'gateway.mjs']) {
    assert.match(commands, program);
  }
  // As a terminal does: to the whole process group.
  process.kill(-run.pid, 'SIGINT');
  const { code, stdout, stderr } = await run.ended;
  assert.equal([code, stderr], [0, '']);
  assert.equal([...processesOf(run)], []);
  const [, frameTotal, storedTotal] =
    /(\d+) frames, (\d+) readings stored, 0 duplicate, 0 rejected/.exec(stdout) ?? [];
  assert.ok(Number(storedTotal) > 0);
  assert.is(frameTotal, storedTotal);
});

test.run();
