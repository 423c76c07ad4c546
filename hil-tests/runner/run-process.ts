import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { findLeftovers, killAll, type Leftover, RUN_MARK } from './process-tree.ts';

/**
 * How long a program may live on after its last word, and what it started after it, in milliseconds. Long beside the seconds for
 * which a busy machine may give it no processor.
 */
export const exitGraceMs = 10_000;
export const maxOutputBytes = 32 * 1024 * 1024;
const pollMs = 20;

/** How a program that was watched came to its end. */
export type Ending =
  | { readonly kind: 'exited'; readonly code: number | null; readonly signal: NodeJS.Signals | null }
  | { readonly kind: 'timed out' }
  | { readonly kind: 'open handle' }
  | { readonly kind: 'too much output' };

/** A program of Node to be run, watched. */
export interface ProcessOptions {
  /** A file and its arguments; they run under this process's Node and flags. */
  readonly args: readonly string[];
  readonly cwd: string;
  /** Variables added to the environment. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeLimitMs: number;
  /** Aborting it ends the program and all it started. */
  readonly signal: AbortSignal;
  /** Whether the program has said its last word by now, and has only to exit: asked whenever it has printed or sent something. */
  readonly isOver: (printed: Printed) => boolean;
  /** Hears what the program sends by `process.send`. Default: it has no such channel. */
  readonly onMessage?: (message: unknown) => void;
}

/** What a program has printed so far. */
export interface Printed {
  all(): string;
  /** The last of it, some pieces of what came together. */
  tail(): string;
}

/** What became of a program. */
export interface ProcessRun {
  readonly ending: Ending;
  /** What it had started and left running; by now it is ended. */
  readonly leftovers: readonly Leftover[];
  readonly output: string;
  readonly seconds: number;
}

/** Runs a program in a process group of its own. Whatever it started is ended with it. */
export async function runProcess(options: ProcessOptions): Promise<ProcessRun> {
  const started = performance.now();
  const mark = randomUUID();
  const child = spawn(process.execPath, [...process.execArgv, ...options.args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.environment, [RUN_MARK]: mark },
    stdio: ['ignore', 'pipe', 'pipe', ...(options.onMessage === undefined ? [] : ['ipc' as const])],
    detached: true, // A group of its own, so that all of it can be ended.
  });
  const groupId = child.pid;
  if (groupId === undefined) throw new Error(`${process.execPath} does not start`);

  const chunks: Buffer[] = [];
  const ending = await watch(child, chunks, options);
  const leftovers = ending.kind === 'exited' ? await lastingLeftovers(groupId, mark) : [];
  killAll(groupId, mark);
  await closed(child);
  return {
    ending,
    leftovers,
    output: Buffer.concat(chunks).toString(),
    seconds: (performance.now() - started) / 1000,
  };
}

function watch(child: ChildProcess, chunks: Buffer[], options: ProcessOptions): Promise<Ending> {
  const { timeLimitMs, signal, isOver, onMessage } = options;
  const printed: Printed = {
    all: () => Buffer.concat(chunks).toString(),
    tail: () => Buffer.concat(chunks.slice(-4)).toString(),
  };
  return new Promise((resolve) => {
    let bytes = 0;
    let grace: NodeJS.Timeout | undefined;
    const limit = setTimeout(() => settle({ kind: 'timed out' }), timeLimitMs);
    const abort = () => settle({ kind: 'exited', code: null, signal: 'SIGINT' });
    const settle = (ending: Ending) => {
      clearTimeout(limit);
      clearTimeout(grace);
      signal.removeEventListener('abort', abort);
      resolve(ending);
    };
    const look = () => {
      if (isOver(printed)) grace ??= setTimeout(() => settle({ kind: 'open handle' }), exitGraceMs);
    };
    const take = (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > maxOutputBytes) settle({ kind: 'too much output' });
      look();
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    child.on('message', (message) => {
      onMessage?.(message);
      look();
    });
    child.once('exit', (code, by) => settle({ kind: 'exited', code, signal: by }));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort);
  });
}

/** What the program started and that still runs after the grace: a process just told to end may take a moment. */
async function lastingLeftovers(groupId: number, mark: string) {
  const deadline = performance.now() + exitGraceMs;
  for (;;) {
    const leftovers = findLeftovers(groupId, mark);
    if (leftovers.length === 0 || performance.now() > deadline) return leftovers;
    await delay(pollMs);
  }
}

/** Waits for the last output. What keeps the pipes open after the kill has escaped, and is not waited for. */
async function closed(child: ChildProcess): Promise<void> {
  if (child.stdout?.closed && child.stderr?.closed) return;
  const giveUp = new AbortController();
  const close = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
  });
  await Promise.race([
    close,
    delay(exitGraceMs, undefined, { signal: giveUp.signal }).catch(() => undefined),
  ]);
  giveUp.abort();
  child.stdout?.destroy();
  child.stderr?.destroy();
}
