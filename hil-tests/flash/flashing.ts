import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const mebibyte = 1024 * 1024;

/** A folder of a test, gone with its process. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-flash-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An image with holes, and its block map by bmaptool beside it. @param full MiB that hold something, from and to */
export function makeImage(
  path: string,
  mebibytes: number,
  full: readonly (readonly [from: number, to: number])[],
): string {
  const file = openSync(path, 'wx');
  ftruncateSync(file, mebibytes * mebibyte);
  const table = randomBytes(4096);
  table.set([0x55, 0xaa], 510);
  writeSync(file, table, 0, table.length, 0);
  for (const [from, to] of full) {
    for (let at = from; at < to; at++) writeSync(file, randomBytes(mebibyte), 0, mebibyte, at * mebibyte);
  }
  closeSync(file);
  execFileSync('bmaptool', ['create', path, '-o', `${path}.bmap`], { stdio: 'ignore' });
  return path;
}

/** Bytes of a file or a device. */
export function bytesOf(path: string, offset: number, length: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(length);
    return buffer.subarray(0, readSync(file, buffer, 0, length, offset));
  } finally {
    closeSync(file);
  }
}

/** What `loadline flash --json` tells; the last is the result. */
export interface Told {
  readonly event: string;
  readonly step?: string;
  readonly state?: string;
  readonly result?: string;
  readonly says?: string | null;
  readonly readBack?: string | null;
}

/** `loadline flash`, with nobody at a terminal. */
export function startFlash(...words: string[]) {
  const child = spawn(process.execPath, flashWords(...words, '--json'), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (bytes: Buffer) => {
    out += bytes;
  });
  const told = () =>
    out
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Told);
  const ended = new Promise<{
    readonly code: number | null;
    readonly told: readonly Told[];
    readonly last: Told;
  }>((resolve) => {
    child.once('close', (code) => {
      const all = told();
      resolve({ code, told: all, last: all.at(-1) as Told });
    });
  });
  return { child, told, ended };
}

export function flashWords(...words: string[]): string[] {
  const main = fileURLToPath(new URL('../../tools/main.ts', import.meta.url));
  return [...process.execArgv, main, 'flash', ...words];
}
