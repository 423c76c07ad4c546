import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isScenario, type TestFile } from './discover.ts';
import { type Ending, exitGraceMs, maxOutputBytes, runProcess } from './run-process.ts';
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

/** Where Node keeps what it has compiled of the sources: most files import the same, and would each do that anew. */
const COMPILED = 'node_modules/.cache/compiled';

/** What plays a scenario; its last words are a summary of its steps, as uvu's. */
const player = fileURLToPath(new URL('../hil/play.ts', import.meta.url));
const loader = fileURLToPath(new URL('load-tests.ts', import.meta.url));

/**
 * Runs one file in a process group of its own, under this process's Node and flags, and judges it.
 * Aborting `signal` ends it and all it started.
 */
export async function runFile(root: string, file: TestFile, signal: AbortSignal): Promise<FileResult> {
  const { ending, leftovers, output, seconds } = await runProcess({
    args: [isScenario(file.path) ? player : loader, file.path],
    cwd: root,
    environment: { NODE_COMPILE_CACHE: join(root, COMPILED) },
    timeLimitMs: file.timeLimitMs,
    signal,
    // The summary is uvu's last word, so its last line is looked for only where output ends.
    isOver: (printed) => printed.tail().includes('Duration:') && findUvuSummary(printed.all()) !== undefined,
  });
  const problems = [
    ...problemsOf(ending, file),
    ...leftovers.map(({ pid, command }) => `left a process running: ${pid} ${command}`),
  ];
  return { path: file.path, seconds, output, ...judge(output, ending, problems) };
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
      return [`did not exit within ${exitGraceMs / 1000} s of its summary: it leaves a handle open`];
    case 'too much output':
      return [`wrote more than ${maxOutputBytes} bytes`];
  }
}
