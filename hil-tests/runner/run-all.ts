import type { TestFile } from './discover.ts';
import { type FileResult, runFile } from './run-file.ts';

/** One more than the least machine has cores: a good part of the files wait for somebody most of their time. */
const FILES_AT_A_TIME = 3;
const SKIP_LINE = /skipped: .*/g;

/**
 * What becomes of a file that failed. `again-alone`: when all are done it runs once more, with nothing beside it, and that
 * counts; it is named. For files that wait for limits by the clock: three of them on a busy machine can miss one.
 */
export type Failing = 'failed' | 'again-alone';

/** Runs the files three at a time, prints each as it ends and the sum at last. True when nothing failed. */
export async function runAll(
  root: string,
  files: readonly TestFile[],
  { print, signal, failing }: { print: (text: string) => void; signal: AbortSignal; failing: Failing },
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
  if (failing === 'again-alone') await runAlone();

  async function runAlone(): Promise<void> {
    for (const [index, { path }] of results.entries()) {
      const file = files.find((one) => one.path === path);
      if (file === undefined || !isFailure(results[index] as FileResult) || signal.aborted) continue;
      const result = await runFile(root, file, signal);
      results[index] = result;
      print(`${isFailure(result) ? 'failed' : 'passed'} when it ran again, alone: ${path}`);
      if (isFailure(result)) print(describe(result));
    }
  }

  const sum = (of: 'passed' | 'failed' | 'skipped') =>
    results.reduce((total, result) => total + result[of], 0);
  const [passed, failed, skipped] = [sum('passed'), sum('failed'), sum('skipped')];
  for (const { path, problems } of results.filter(isFailure)) print([path, ...problems].join('\n    '));
  if (files.length === 0) print('no file of tests was found');
  else if (passed + failed === 0) print('not one test was run');
  print(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  return passed > 0 && failed === 0 && !signal.aborted;
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
