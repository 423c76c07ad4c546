// @long
// Ctrl-C at a terminal while a card is written: it says that the card is incomplete, and the card does not start.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { needs } from '../runner/debian.ts';
import { emptyFile, Loop, LyingCard } from './cards.ts';
import { bytesOf, flashWords, makeImage, startFlash, testFolder } from './flashing.ts';

const test = suite('interrupted');
const possible = await LyingCard.isPossible();
const bmaptool = possible === true ? await needs('bmaptool', 'bmap-tools') : possible;
if (bmaptool !== true) console.log(`skipped: Ctrl-C while a card is written: ${bmaptool}`);
const scenario = bmaptool === true ? test : test.skip;

const mebibyte = 1024 * 1024;
const folder = testFolder();
const image = join(folder, 'card.img');
let served: LyingCard;
let loop: Loop;

test.before(async () => {
  if (bmaptool !== true) return;
  makeImage(image, 20, [
    [1, 3],
    [6, 14],
  ]);
  const real = emptyFile(join(folder, 'slow'), 64 * mebibyte);
  served = await LyingCard.open(['--filter=delay', 'file', real, 'wdelay=50ms']);
  loop = new Loop(served.path, 'direct');
});
test.after(async () => {
  if (bmaptool !== true) return;
  loop.detach();
  await served.close();
});

/** A terminal with the program on it: `script` of util-linux gives it one, and what is typed goes through its line discipline. */
function atTerminal(...words: string[]) {
  // A pty has no size of its own.
  const quoted = `stty cols 160 rows 40; exec ${words.map((word) => `'${word}'`).join(' ')}`;
  const child = spawn('script', ['--quiet', '--return', '--command', quoted, '/dev/null'], {
    env: { ...process.env, TERM: 'xterm', SHELL: '/bin/sh' },
  });
  let shown = '';
  child.stdout.on('data', (bytes: Buffer) => {
    shown += bytes;
  });
  return {
    shown: () => stripVTControlCharacters(shown),
    type: (keys: string) => child.stdin.write(keys),
    ended: new Promise<number | null>((resolve) => child.once('close', resolve)),
  };
}

scenario(
  'somebody types its name, and then Ctrl-C: the card does not start; written again, it is whole',
  async () => {
    const terminal = atTerminal(process.execPath, ...flashWords('--image', image, '--to', loop.path));
    await until(() => terminal.shown().includes('Type its name'), { limitMs: 20_000, what: 'the question' });
    assert.match(terminal.shown(), `${loop.name} (67.1 MB`);
    assert.not.match(terminal.shown(), 'capacity', 'nothing is touched before');
    // A prompt that is drawn reads its keys a moment later.
    await new Promise((resolve) => setTimeout(resolve, 300));
    terminal.type(`${loop.name}\r`);
    await until(() => terminal.shown().includes('write:'), { limitMs: 30_000, what: 'it to write' });
    terminal.type('\x03');
    assert.is(await terminal.ended, 130, terminal.shown());
    assert.match(
      terminal.shown(),
      'interrupted (SIGINT): the card is incomplete, has no partition table, and does not start',
    );
    assert.match(terminal.shown(), 'write it again');
    assert.ok(bytesOf(loop.path, 0, mebibyte).every((byte) => byte === 0));
    const { code } = await startFlash('--image', image, '--to', loop.path, '--yes-write', loop.name).ended;
    assert.is(code, 0);
    assert.ok(bytesOf(loop.path, 0, 20 * mebibyte).equals(bytesOf(image, 0, 20 * mebibyte)));
  },
);

scenario('another name is typed: nothing is touched', async () => {
  const before = bytesOf(loop.path, 0, mebibyte);
  const terminal = atTerminal(process.execPath, ...flashWords('--image', image, '--to', loop.path));
  await until(() => terminal.shown().includes('Type its name'), { limitMs: 20_000, what: 'the question' });
  await new Promise((resolve) => setTimeout(resolve, 300));
  terminal.type('sda\r');
  assert.is(await terminal.ended, 2, terminal.shown());
  assert.match(terminal.shown(), `sda is not ${loop.name}: nothing was written`);
  assert.ok(bytesOf(loop.path, 0, mebibyte).equals(before));
});

for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
  scenario(`${signal} ends it as Ctrl-C does`, async () => {
    const { child, told, ended } = startFlash('--image', image, '--to', loop.path, '--yes-write', loop.name);
    await until(() => told().some(({ step }) => step === 'write'), { limitMs: 30_000, what: 'it to write' });
    child.kill(signal);
    const { code, last } = await ended;
    assert.equal([code, last.result], [130, 'interrupted']);
    assert.ok(bytesOf(loop.path, 0, mebibyte).every((byte) => byte === 0));
  });
}

test.run();
