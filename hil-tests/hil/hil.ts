import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { FolderInUse, lockFolder } from '@loadline/sdk/platform';
import { Artefacts } from './artefacts.ts';
import { type JUnitOptions, junitXml } from './junit.ts';
import { isScenarioFile, loadScenario, type ScenarioFile, scenarioFile } from './load.ts';
import type { BenchChoice } from './open-bench.ts';
import { Progress } from './progress.ts';
import { publishedScenarios } from './published.ts';
import type { ScenarioResult } from './report.ts';
import { runScenarios } from './run.ts';

/** How `loadline hil` was called. */
export interface HilOptions {
  /** Names of published scenarios, and paths of files; empty for all that are published. */
  readonly chosen: readonly string[];
  readonly bench: BenchChoice;
  readonly seed: number;
  readonly jobs: number;
  readonly artefacts: string;
  /** A file for results as JUnit XML. Default: none. */
  readonly junit?: string;
  /** Whether standard output gets one line of JSON, and standard error what people read. */
  readonly json: boolean;
  readonly signal: AbortSignal;
}

/** Called wrongly: what is said to whoever called. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Says what scenarios there are, and what each is about. @throws UsageError */
export async function listScenarios(chosen: readonly string[], print: (line: string) => void): Promise<void> {
  const files = choose(chosen);
  const width = Math.max(...files.map(({ name }) => name.length));
  for (const file of files) {
    const { about, needs } = await loadScenario(file).catch((error) => {
      throw new UsageError(`${file.path} cannot be loaded: ${String(error)}`);
    });
    print(`${file.name.padEnd(width)}  ${about}${needs.length === 0 ? '' : ` [${needs.join(', ')}]`}`);
  }
}

/**
 * Plays scenarios and tells what became of them. @returns the code to exit with: 0 where all that were played passed, 1 where
 * one failed or none was played. @throws UsageError
 */
export async function hil(options: HilOptions): Promise<number> {
  const { json, seed, junit, signal } = options;
  const progress = new Progress(process.stderr);
  const say = (text: string) => {
    progress.clear();
    (json ? process.stderr : process.stdout).write(`${text}\n`);
  };
  const files = choose(options.chosen);
  mustTake(options, files);
  const leave = await ownFolder(options.artefacts);
  const began = performance.now();
  const at = new Date();
  let bench = options.bench.kind as string;
  let done = 0;
  const results = await runScenarios(files, {
    ...options,
    // There is one line of real ports.
    jobs: options.bench.kind === 'metal' ? 1 : Math.min(options.jobs, files.length),
    onReport: (file, report) => {
      if (report.report === 'scenario') bench = report.bench;
      if (report.report !== 'begun') return;
      progress.show(`${done} of ${files.length} played; ${file.name}: ${report.kind} ${report.words}`);
    },
    onResult: (result) => {
      done += 1;
      // What a scenario says of itself may not move the cursor of whoever reads.
      say(stripVTControlCharacters(describe(result)).replaceAll(controls, '\uFFFD'));
    },
  }).finally(() => {
    progress.clear();
    return leave();
  });
  const count = (of: ScenarioResult['outcome']['result']) =>
    results.filter(({ outcome }) => outcome.result === of).length;
  const [passed, failed, skipped] = [count('passed'), count('failed'), count('skipped')];
  if (junit !== undefined)
    writeFileSync(junit, junitXml(results, { bench, seed, at } satisfies JUnitOptions));
  if (passed + failed === 0 && !signal.aborted) say('not one scenario was played');
  const seconds = (performance.now() - began) / 1000;
  say(`${bench}; seed ${seed}; ${seconds.toFixed(0)} s`);
  say(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  if (json) {
    const told = { seed, bench, passed, failed, skipped, seconds: rounded(seconds) };
    process.stdout.write(`${JSON.stringify({ ...told, scenarios: results.map(jsonOf) })}\n`);
  }
  return failed > 0 || passed === 0 || signal.aborted ? 1 : 0;
}

/** Control characters, but for the end of a line and a tab. */
const controls = /[\p{Cc}--[\n\t]]/gv;

/** The files that are meant: names of published scenarios, and paths. */
function choose(chosen: readonly string[]): ScenarioFile[] {
  const published = publishedScenarios();
  if (chosen.length === 0) return published;
  const files = chosen.map((one) => {
    if (isScenarioFile(one)) return scenarioFile(one);
    const found = published.find(({ name }) => name === one);
    if (found !== undefined) return found;
    throw new UsageError(
      `there is no scenario ${one}: --list has those of Loadline; a file of your own is called NAME.scenario.ts (or .js)`,
    );
  });
  const names = files.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new UsageError(
      `two scenarios are called ${twice}: what is left of one would be taken for the other's`,
    );
  }
  const absent = files.find(({ path }) => !existsSync(path));
  if (absent !== undefined) throw new UsageError(`there is no file ${absent.path}`);
  return files;
}

/** Takes the folder for what is left, for this run alone: another would remove what this one writes. @throws UsageError */
async function ownFolder(folder: string): Promise<() => Promise<void>> {
  try {
    return await lockFolder(folder);
  } catch (error) {
    if (!(error instanceof FolderInUse)) throw error;
    throw new UsageError(`${error.message} (--artefacts)`);
  }
}

/** Whether what is left behind can be: found out before anything is played. @throws UsageError */
function mustTake({ artefacts, junit }: HilOptions, files: readonly ScenarioFile[]): void {
  try {
    mkdirSync(artefacts, { recursive: true });
    for (const folder of junit === undefined ? [artefacts] : [artefacts, dirname(junit)]) {
      accessSync(folder, constants.W_OK);
    }
    // One of another run: its folder may be ours where it is not.
    if (kindOf(junit) === 'file') closeSync(openSync(junit ?? '', 'r+'));
  } catch (error) {
    throw new UsageError(`nothing can be left there: ${(error as Error).message}`);
  }
  if (kindOf(junit) === 'folder') throw new UsageError(`--junit '${junit}' is a folder: name a file`);
  const taken = files.map(({ name }) => join(artefacts, name)).find((folder) => !Artefacts.mayBegin(folder));
  if (taken !== undefined) {
    throw new UsageError(
      `${taken} is there, and no scenario left it: it would be removed; name another folder by --artefacts`,
    );
  }
}

/** What is there already; of no words that is the folder one is in. */
function kindOf(path: string | undefined): 'file' | 'folder' | undefined {
  if (path === undefined) return undefined;
  const stats = statSync(resolve(path), { throwIfNoEntry: false });
  if (stats?.isDirectory()) return 'folder';
  return stats?.isFile() ? 'file' : undefined;
}

function describe(result: ScenarioResult): string {
  const { name, about, outcome, seconds, steps, artefacts } = result;
  const head = (word: string) => `${word} ${seconds.toFixed(1).padStart(6)} s  ${name}: ${about}`;
  switch (outcome.result) {
    case 'passed':
      return head('ok     ');
    case 'skipped':
      return `${head('skipped')}\n    skipped: ${name}: ${outcome.reason}`;
    case 'failed': {
      const played = steps.map(
        ({ kind, words, seconds: took, problem }) =>
          `    ${problem === undefined ? 'ok    ' : 'FAILED'} ${took.toFixed(1).padStart(6)} s  ${kind} ${words}`,
      );
      const left = artefacts === undefined ? [] : [`    logs and recordings: ${artefacts.folder}`];
      const replay = artefacts?.replay.map((line) => `    ${line}`) ?? [];
      return [head('FAILED '), ...played, indented(outcome.problem), ...left, ...replay].join('\n');
    }
  }
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '    ');
}

function jsonOf({ name, about, outcome, seconds, steps, artefacts }: ScenarioResult) {
  return {
    name,
    about,
    ...outcome,
    seconds: rounded(seconds),
    steps: steps.map((step) => ({ ...step, seconds: rounded(step.seconds) })),
    ...(artefacts !== undefined && { artefacts }),
  };
}

function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
