import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { VirtualPort } from '@loadline/hil-tests';
import { Framer } from '@loadline/sdk/t24';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('loadline simulate, record, replay');

const folder = mkdtempSync(join(tmpdir(), 'loadline-serial-'));
const main = join(import.meta.dirname, '../main.ts');

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [...process.execArgv, main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The lines of JSON a command prints, once it has ended. */
async function linesOf(child: ChildProcess): Promise<Record<string, unknown>[]> {
  const [out] = await Promise.all([text(child.stdout as NodeJS.ReadableStream), once(child, 'close')]);
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

function refused(...args: string[]) {
  const { status, stderr } = spawnSync(process.execPath, [...process.execArgv, main, ...args], {
    encoding: 'utf8',
  });
  return { status, stderr };
}

test.after(() => rmSync(folder, { recursive: true }));

test('what is simulated is recorded with its times, byte for byte, and every frame is whole', async () => {
  const link = join(folder, 'radio');
  const file = join(folder, 'simulated.hex');
  const simulating = start('simulate', '--link', link, '--transmitter', 'load:FE56:50', '--json');
  await once(simulating.stdout as NodeJS.ReadableStream, 'data');
  const [recorded] = await linesOf(start('record', link, '--out', file, '--seconds', '1', '--json'));
  simulating.kill('SIGTERM');
  await once(simulating, 'close');
  assert.is(simulating.exitCode, 0);
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  for (const line of lines) assert.match(line, /^([0-9A-F]{2})+ # \d+\.\d{3} ms$/);
  const bytes = Buffer.from(lines.map((line) => line.replace(/ #.*/, '')).join(''), 'hex');
  assert.is(recorded?.bytes, bytes.length);
  const framed = new Framer().push(bytes);
  assert.ok(framed.length > 5);
  assert.ok(framed.every(({ kind }) => kind === 'frame'));
});

test('a recording is played into a virtual port until all of it is read', async () => {
  const file = join(folder, 'by-hand.hex');
  writeFileSync(file, '0102030405 # 0.000 ms\n06FF # 120.000 ms\n');
  const link = join(folder, 'replayed');
  const replaying = start('replay', file, '--link', link, '--speed', '2', '--json');
  const said = linesOf(replaying);
  await once(replaying.stdout as NodeJS.ReadableStream, 'data');
  const reader = spawn('head', ['-c', '7', link], { stdio: ['ignore', 'pipe', 'inherit'] });
  assert.is(await text(reader.stdout.setEncoding('latin1')), '\x01\x02\x03\x04\x05\x06\xff');
  assert.equal(await said, [{ port: link }, { bytes: 7, ended: 'complete' }]);
});

test('record ends with an error, and keeps what it has, when the device goes', async () => {
  const port = await VirtualPort.open({ folder });
  const file = join(folder, 'cut.hex');
  const recording = start('record', port.path, '--out', file);
  const errors = text(recording.stderr as NodeJS.ReadableStream);
  // It has the port open once it reads.
  await port.write(Uint8Array.of(1, 2, 3));
  await port.drained();
  await port.close();
  await once(recording, 'close');
  assert.is(recording.exitCode, 1);
  assert.match(await errors, /its device is gone; [03] bytes are kept/);
});

test('what cannot be is said in one line, before anything is opened', () => {
  const missing = refused('replay', join(folder, 'nowhere.hex'));
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /^loadline replay: ENOENT: no such file .*nowhere\.hex'\n$/);
  writeFileSync(join(folder, 'timeless.hex'), '0102\n');
  assert.match(refused('replay', join(folder, 'timeless.hex'), '--speed', '1').stderr, 'has no times');
  assert.match(
    refused('record', join(folder, 'no-port'), '--out', join(folder, 'x')).stderr,
    'cannot be opened',
  );
  assert.not(existsSync(join(folder, 'x')));
  assert.is(refused('simulate', '--transmitter', 'rain:1234').status, 2);
  assert.match(refused('simulate', '--transmitter', 'rain:1234').stderr, 'like load:3A10:100');
  assert.is(refused('record', '/dev/null').status, 2);
});

test.run();
