import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { contentsOf, openJournal, seeded } from './testing.ts';

const test = suite('a journal whose process is killed');
const child = fileURLToPath(new URL('./killed-child.ts', import.meta.url));

let folder = '';

test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'loadline-killed-'));
});

test.after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the child until it has flushed `flushes` times, kills it, and returns its epoch and what it had flushed. */
async function live(flushes: number): Promise<{ epoch: string; flushed: number }> {
  const process_ = spawn(process.execPath, [...process.execArgv, child, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(process_, 'close');
  let said = '';
  process_.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (said.split('flushed').length > flushes) process_.kill('SIGKILL');
  });
  await ended;
  const lines = said.slice(0, said.lastIndexOf('\n')).split('\n');
  const [epoch, ...rest] = lines.map((line) => line.split(' ')[1] as string);
  return { epoch: epoch as string, flushed: Number(rest.at(-1) ?? 0) };
}

test('kept on kill -9, over and over: all that was flushed, once, under numbers never used again', async () => {
  const random = seeded(7);
  const epochs = new Set<string>();
  for (let cycle = 0; cycle < 5; cycle++) {
    const { epoch, flushed } = await live(1 + Math.floor(random() * 30));
    assert.not(epochs.has(epoch));
    epochs.add(epoch);
    // The lock of a killed process stands in nobody's way.
    const journal = await openJournal(folder);
    epochs.add(journal.epoch);
    const contents = contentsOf(journal);
    for (let number = 0; number < flushed; number++) {
      assert.is(
        contents.get(`${epoch}:${number}`)?.monotonic,
        number,
        `cycle ${cycle}: ${number} of ${flushed}`,
      );
    }
    await journal.close();
  }
});

test.run();
