import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { until, VirtualPort } from '@loadline/hil-tests';
import { Framer } from '@loadline/sdk/t24';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { endAll, main, start } from './test-commands.ts';

const test = suite('loadline listen, simulate, record, replay');

const folder = mkdtempSync(join(tmpdir(), 'loadline-serial-'));

function refused(...args: string[]) {
  const { status, stderr } = spawnSync(process.execPath, [...process.execArgv, main, ...args], {
    encoding: 'utf8',
  });
  return { status, stderr };
}

test.after(() => {
  endAll();
  rmSync(folder, { recursive: true });
});

test('what is simulated is recorded with its times, byte for byte, and every frame is whole', async () => {
  const link = join(folder, 'radio');
  const file = join(folder, 'simulated.hex');
  const simulating = start('simulate', '--link', link, '--transmitter', 'load:FE56:50', '--json');
  await simulating.ready();
  const [recorded] = await start('record', link, '--out', file, '--seconds', '1', '--json').lines();
  simulating.child.kill('SIGTERM');
  await simulating.lines();
  assert.is(simulating.child.exitCode, 0);
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
  await replaying.ready();
  const reader = spawn('head', ['-c', '7', link], { stdio: ['ignore', 'pipe', 'inherit'] });
  assert.is(await text(reader.stdout.setEncoding('latin1')), '\x01\x02\x03\x04\x05\x06\xff');
  assert.equal(await replaying.lines(), [{ port: link }, { bytes: 7, ended: 'complete' }]);
});

test('a recording that ends in a moment is heard by a gateway that is started behind it, from its first byte', async () => {
  const file = join(folder, 'short.hex');
  writeFileSync(file, '0B0B012325DF1C043F0F4E9FFBE85EA6 # 0.000 ms\n');
  const link = join(folder, 'short');
  const replaying = start('replay', file, '--link', link, '--speed', 'max', '--json');
  await replaying.ready();
  const heard = await start('listen', link, '--json', '--seconds', '3').lines();
  assert.is(heard.at(-1)?.frames, 1);
  assert.equal((await replaying.lines()).at(-1), { bytes: 16, ended: 'complete' });
});

test('listen tells each frame and its signal, and counts what was none by reason', async () => {
  const file = join(folder, 'noisy.hex');
  // Two frames of the protocol's manual, and noise between them.
  writeFileSync(
    file,
    '0B0B012325DF1C043F0F4E9FFBE85EA6 # 0.000 ms\nC0FFEE # 100 ms\n0B0B012325D510043FEB7240E4E725DB # 200 ms\n',
  );
  const link = join(folder, 'listened');
  const listening = async () => {
    const listen = start('listen', link, '--json', '--seconds', '2');
    return await listen.lines();
  };
  const replaying = start('replay', file, '--link', link, '--speed', '0.2', '--loop', '--json');
  await replaying.ready();
  const lines = await listening();
  replaying.child.kill('SIGTERM');
  await replaying.lines();
  const sum = lines.pop() as { frames: number; discarded: Record<string, number> };
  assert.ok(sum.frames >= 2 && sum.frames === lines.length);
  assert.equal(Object.keys(sum.discarded), ['length']);
  const { seconds: _, ...first } = lines.find(({ tag }) => tag === '25DF') ?? {};
  assert.equal(first, {
    base: 1,
    tag: '25DF',
    value: Math.fround(0.5597934),
    flags: 0x20,
    status: 0x1c,
    rssiDecibels: -50,
    cv: 104,
    percent: 100,
  });
});

test('record ends with an error, and keeps what it has, when the device goes', async () => {
  const port = await VirtualPort.open({ folder });
  const file = join(folder, 'cut.hex');
  const recording = start('record', port.path, '--out', file);
  // What comes before the port is open is thrown away by the opening.
  const recorded = async () => {
    await port.write(Uint8Array.of(1, 2, 3));
    await new Promise((resolve) => setTimeout(resolve, 50));
    return recording.hasEnded() || (existsSync(file) && readFileSync(file).length > 0);
  };
  await until(recorded, { limitMs: 20_000 });
  await port.close();
  await recording.end();
  assert.is(recording.child.exitCode, 1);
  const [, bytes] = /its device is gone; (\d+) bytes are kept/.exec(recording.said.errors) ?? [];
  const kept = readFileSync(file, 'utf8').replace(/ #.*\n/g, '');
  assert.ok(Number(bytes) > 0 && kept.length === 2 * Number(bytes), recording.said.errors);
});

test('record, listen and replay end when the device goes as soon as they have it', async () => {
  const file = join(folder, 'endless.hex');
  writeFileSync(file, '0102030405 # 0.000 ms\n06FF # 20.000 ms\n');
  const commands = (path: string) => [
    ['record', path, '--out', join(folder, 'at-once.hex')],
    ['listen', path],
    ['replay', file, '--port', path, '--loop'],
  ];
  for (const index of commands('').keys()) {
    const port = await VirtualPort.open({ folder });
    const { device } = port;
    const command = start(...(commands(port.path)[index] ?? []));
    // Behind the opening and before the first read is where serialport reads nothing for ever.
    await until(() => command.hasEnded() || command.opened(device), { limitMs: 20_000 });
    await port.close();
    await command.end();
    assert.is(command.child.exitCode, 1, command.said.errors);
    assert.match(command.said.errors, /its device is gone|takes nothing any more|cannot be opened/);
  }
});

test('replay ends when it is interrupted, though nobody reads what it plays', async () => {
  const file = join(folder, 'much.hex');
  writeFileSync(file, `${'55'.repeat(200_000)}\n`);
  const link = join(folder, 'unread');
  const replaying = start('replay', file, '--link', link, '--speed', 'max', '--json');
  await replaying.ready();
  replaying.child.kill('SIGTERM');
  await replaying.end();
  const [, sum] = await replaying.lines();
  assert.is(sum?.ended, 'aborted');
  assert.ok(Number(sum?.bytes) < 200_000);
});

test('listen ends with an error, and says what it heard, when the device goes', async () => {
  const port = await VirtualPort.open({ folder });
  const listening = start('listen', port.path, '--json');
  // What comes before the port is open is thrown away by the opening.
  const heard = async () => {
    await port.write(Buffer.from('0B0B012325DF1C043F0F4E9FFBE85EA6', 'hex'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    return listening.said.out.includes('\n');
  };
  await until(heard, { limitMs: 20_000 });
  await port.close();
  const lines = await listening.lines();
  assert.is(listening.child.exitCode, 1);
  assert.match(listening.said.errors, 'its device is gone');
  assert.is(lines.pop()?.frames, lines.length);
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
