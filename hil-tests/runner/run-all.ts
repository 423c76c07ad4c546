import type { TestFile } from './discover.ts';
import { type FileResult, runFile } from './run-file.ts';

/** One more than the least machine has cores: a good part of the files wait for somebody most of their time. */
const FILES_AT_A_TIME = 3;
const SKIP_LINE = /skipped: .*/g;

/** Where more files fail, it is not for want of time. */
const AGAIN_AT_MOST = 5;

/**
 * Runs the files three at a time, prints each as it ends and the sum at last. A few that failed run once more at the end,
 * with nothing beside them, are named, and that counts: what waits for a limit by the clock can miss it on a busy machine.
 * True when nothing failed.
 */
export async function runAll(
  root: string,
  files: readonly TestFile[],
  { print, signal }: { print: (text: string) => void; signal: AbortSignal },
): Promise<boolean> {
  const results: FileResult[] = [];
  const queue = files.values();
  const lane = async () => {
    for (const file of queue) {
      if (signal.aborted) return;
      const result = await runFile(root, file, signal);
      results.push(result);
      print(describe(result));
    }
  };
  await Promise.all(Array.from({ length: FILES_AT_A_TIME }, lane));

  const failed = results.filter(isFailure);
  for (const before of failed.length > AGAIN_AT_MOST ? [] : failed) {
    const file = files.find(({ path }) => path === before.path);
    if (file === undefined || signal.aborted) break;
    const result = await runFile(root, file, signal);
    results[results.indexOf(before)] = result;
    print(`${isFailure(result) ? 'failed' : 'passed'} when it ran again, alone: ${file.path}`);
    if (isFailure(result)) print(describe(result));
  }

  const sum = (of: 'passed' | 'failed' | 'skipped') =>
    results.reduce((total, result) => total + result[of], 0);
  const sums = { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
  for (const { path, problems } of results.filter(isFailure)) print([path, ...problems].join('\n    '));
  if (files.length === 0) print('no file of tests was found');
  else if (sums.passed + sums.failed === 0) print('not one test was run');
  print(`${sums.passed} passed, ${sums.failed} failed${sums.skipped > 0 ? `, ${sums.skipped} skipped` : ''}`);
  return sums.passed > 0 && sums.failed === 0 && !signal.aborted;
}

function isFailure({ failed }: FileResult): boolean {
  return failed > 0;
}

function describe(result: FileResult): string {
  const { path, passed, failed, skipped, seconds, problems, output } = result;
  const line = `${isFailure(result) ? 'FAILED' : 'ok    '} ${seconds.toFixed(1).padStart(5)} s  ${path}: ${passed} passed, ${failed} failed, ${skipped} skipped`;
  if (!isFailure(result)) return [line, ...(output.match(SKIP_LINE) ?? [])].join('\n                ');
  return [line, ...problems.map((problem) => `    ${problem}`), output.trimEnd(), `---- end of ${path}`].join(
    '\n',
  );
}
