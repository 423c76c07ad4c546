import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { programs } from './packages.ts';

/** Characters of what a program said that an error repeats. */
const lastWords = 1500;

/** Programs that run now. */
const running = new Set<ChildProcess>();

/** Ends what runs, as Ctrl-C at a terminal does: whoever waits for it is told that it failed. */
export function endRunning(): void {
  for (const child of running) child.kill('SIGTERM');
}
// Also where this process ends by an error that nobody took.
process.once('exit', endRunning);

/** What a program is run with, besides its words. */
export interface RunOptions {
  readonly cwd?: string;
  readonly input?: string;
  /** Added to the environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** A file that all it says is appended to. */
  readonly log?: string;
}

/**
 * Runs a program to its end, and gives what it wrote to standard output.
 *
 * @throws Error with the end of what it said, where it fails or is not there
 */
export async function run(
  program: string,
  words: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { cwd, input, environment, log } = options;
  // Tools of file systems and partitions are in folders that only root looks into.
  const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
  const env = { ...process.env, PATH, LC_ALL: 'C.UTF-8', ...environment };
  const child = spawn(program, words, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  const into = log === undefined ? undefined : createWriteStream(log, { flags: 'a' });
  child.stdout.on('data', (bytes: Buffer) => void out.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => void err.push(bytes));
  if (into !== undefined)
    for (const stream of [child.stdout, child.stderr]) stream.pipe(into, { end: false });
  // A program that ends before it has read all says why by itself.
  child.stdin.on('error', () => {});
  child.stdin.end(input ?? '');
  running.add(child);
  try {
    const code = await new Promise<number | string>((resolve, reject) => {
      child.once('error', (error: NodeJS.ErrnoException) => {
        reject(error.code === 'ENOENT' && cwd === undefined ? missing(program) : error);
      });
      child.once('close', (exitCode, signal) => resolve(exitCode ?? signal ?? 'no code'));
    });
    const said = Buffer.concat(err).toString();
    if (code === 0) return Buffer.concat(out).toString();
    throw new Error(
      `${program} failed (${code}): ${`${Buffer.concat(out)}${said}`.trim().slice(-lastWords)}`,
    );
  } finally {
    running.delete(child);
    if (into !== undefined) {
      into.end();
      await finished(into);
    }
  }
}

function missing(program: string): Error {
  const from = programs[program];
  return new Error(
    `${program} is not installed${from === undefined ? '' : `: it is in Debian's package ${from}`}; ` +
      "'npm run image:deps' installs all that images need (as root)",
  );
}
