import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { TestFile } from './discover.ts';
import { findLeftovers, killAll, RUN_MARK } from './process-tree.ts';
import { findUvuSummary } from './uvu-summary.ts';

/** What became of one file of tests. `problems` are faults of the file as a whole, each a line. */
export interface FileResult {
  path: string;
  passed: number;
  failed: number;
  skipped: number;
  seconds: number;
  problems: string[];
  output: string;
}

/** How long a file may live on after its summary, and what it started after it, in milliseconds. */
const EXIT_GRACE_MS = 3_000;
const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;
const POLL_MS = 20;

type Ending =
  | { kind: 'exited'; code: number | null; signal: NodeJS.Signals | null }
  | { kind: 'timed out' }
  | { kind: 'open handle' }
  | { kind: 'too much output' };

/** Where Node keeps what it has compiled of the sources: most files import the same, and would each do that anew. */
const COMPILED = 'node_modules/.cache/compiled';

/**
 * Runs one file in a process group of its own, under this process's Node and flags, and judges it.
 * Aborting `signal` ends it and all it started.
 */
export async function runFile(root: string, file: TestFile, signal: AbortSignal): Promise<FileResult> {
  const started = performance.now();
  const mark = randomUUID();
  const child = spawn(process.execPath, [...process.execArgv, file.path], {
    cwd: root,
    env: { ...process.env, NODE_COMPILE_CACHE: join(root, COMPILED), [RUN_MARK]: mark },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // A group of its own, so that all of it can be ended.
  });
  const groupId = child.pid;
  if (groupId === undefined) throw new Error(`${process.execPath} does not start`);

  const chunks: Buffer[] = [];
  const output = () => Buffer.concat(chunks).toString();
  const ending = await watch(child, chunks, file.timeLimitMs, signal);
  const leftovers = ending.kind === 'exited' ? await lastingLeftovers(groupId, mark) : [];
  killAll(groupId, mark);
  await closed(child);

  const problems = [
    ...problemsOf(ending, file),
    ...leftovers.map(({ pid, command }) => `left a process running: ${pid} ${command}`),
  ];
  return {
    path: file.path,
    seconds: (performance.now() - started) / 1000,
    output: output(),
    ...judge(output(), ending, problems),
  };
}

function judge(output: string, ending: Ending, problems: string[]) {
  const summary = findUvuSummary(output);
  if (summary === undefined) {
    const reason =
      ending.kind === 'exited' ? ['ended without a summary of its tests: is test.run() missing?'] : [];
    return { passed: 0, failed: 1, skipped: 0, problems: [...problems, ...reason] };
  }
  const { total, passed, skipped } = summary;
  const failed = total - passed;
  const found = [...problems];
  if (total + skipped === 0) found.push('registered no test: is test.run() missing?');
  // uvu ends with code 0 when a `before` hook throws: the tests it did not run are counted here as failed.
  if (ending.kind === 'exited' && failed === 0 && (ending.code !== 0 || ending.signal !== null)) {
    found.push(`all its tests passed, but it ended with ${ending.signal ?? `code ${ending.code}`}`);
  }
  return { passed, failed: failed === 0 && found.length > 0 ? 1 : failed, skipped, problems: found };
}

function problemsOf(ending: Ending, file: TestFile): string[] {
  switch (ending.kind) {
    case 'exited':
      return [];
    case 'timed out':
      return [`not done within its time limit of ${file.timeLimitMs / 1000} s`];
    case 'open handle':
      return [`did not exit within ${EXIT_GRACE_MS / 1000} s of its summary: it leaves a handle open`];
    case 'too much output':
      return [`wrote more than ${MAX_OUTPUT_BYTES} bytes`];
  }
}

function watch(
  child: ChildProcess,
  chunks: Buffer[],
  timeLimitMs: number,
  signal: AbortSignal,
): Promise<Ending> {
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
    const take = (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MAX_OUTPUT_BYTES) settle({ kind: 'too much output' });
      // The summary is uvu's last word, so its last line is looked for only where output ends.
      const tail = Buffer.concat(chunks.slice(-4)).toString();
      if (tail.includes('Duration:') && findUvuSummary(Buffer.concat(chunks).toString()) !== undefined) {
        grace ??= setTimeout(() => settle({ kind: 'open handle' }), EXIT_GRACE_MS);
      }
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    child.once('exit', (code, by) => settle({ kind: 'exited', code, signal: by }));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort);
  });
}

/** What the file started and that still runs after the grace: a process just told to end may take a moment. */
async function lastingLeftovers(groupId: number, mark: string) {
  const deadline = performance.now() + EXIT_GRACE_MS;
  for (;;) {
    const leftovers = findLeftovers(groupId, mark);
    if (leftovers.length === 0 || performance.now() > deadline) return leftovers;
    await delay(POLL_MS);
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
    delay(EXIT_GRACE_MS, undefined, { signal: giveUp.signal }).catch(() => undefined),
  ]);
  giveUp.abort();
  child.stdout?.destroy();
  child.stderr?.destroy();
}
