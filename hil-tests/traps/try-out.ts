import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { buildBundles } from '../runner/build.ts';
import { discoverTests } from '../runner/discover.ts';
import { type FileResult, runFile } from '../runner/run-file.ts';
import type { Removal, Trap } from './trap.ts';

/**
 * What was seen of a trap. `held`: the test passes, and fails without the guard. `open`: it passes without the guard too.
 * `unsound`: it does not pass with the guard, so nothing is known.
 */
export type Verdict = 'held' | 'open' | 'unsound';

/** One test that is to hold one trap. */
export interface Trial {
  readonly trap: string;
  readonly test: string;
  readonly verdict: Verdict;
  readonly seconds: number;
  /** What failed, in a line: the first test, or what was wrong with the file. Empty where nothing did. */
  readonly failed: string;
  /** What the test said without its guard, or with it where it is unsound. */
  readonly said: string;
}

/** Characters of a test's output that are kept. */
const SAID = 2000;

/** Folders whose tests run the gateway and the page as they ship: they are built anew of what is in the tree. */
const RUN_BUNDLES = /^hil-tests\/(scenarios|crash|inhabited)\//;

/** Takes the guard out of its file. @throws Error where the file does not hold it exactly once */
export function withoutGuard(source: string, { file, text, by }: Removal): string {
  const count = source.split(text).length - 1;
  if (count !== 1) throw new Error(`${file} holds this ${count} times, and once is expected: ${text}`);
  return source.replace(text, () => by);
}

/** Tries traps out in a tree that nobody else uses: each guard is taken out, its tests run, and it is put back. */
export class TrapTrials {
  readonly #tree: string;
  readonly #signal: AbortSignal;
  /** What each test says while nothing has been taken out. */
  readonly #whole = new Map<string, FileResult>();

  constructor(tree: string, signal: AbortSignal) {
    this.#tree = tree;
    this.#signal = signal;
  }

  /** Whether a trap is held by its tests. @throws Error where its guard is not where it is said to be */
  async *try(trap: Trap): AsyncGenerator<Trial> {
    for (const test of trap.heldBy) {
      const whole = await this.#wholeResult(test);
      const isSound = isPassed(whole);
      const result = isSound ? await this.#without(trap, test) : whole;
      const verdict = !isSound ? 'unsound' : isPassed(result) ? 'open' : 'held';
      const { seconds } = result;
      yield { trap: trap.name, test, verdict, seconds, failed: failureOf(result), said: wordsOf(result) };
    }
  }

  async #wholeResult(test: string): Promise<FileResult> {
    const known = this.#whole.get(test);
    if (known !== undefined) return known;
    const result = await this.#run(test);
    this.#whole.set(test, result);
    return result;
  }

  async #without(trap: Trap, test: string): Promise<FileResult> {
    const before = new Map<string, string>();
    try {
      for (const removal of trap.removals) {
        const file = join(this.#tree, removal.file);
        const source = readFileSync(file, 'utf8');
        if (!before.has(file)) before.set(file, source);
        writeFileSync(file, withoutGuard(source, removal));
      }
      return await this.#run(test);
    } finally {
      for (const [file, source] of before) writeFileSync(file, source);
    }
  }

  async #run(test: string): Promise<FileResult> {
    // What cannot be built would be tried with what was built before.
    const failure = RUN_BUNDLES.test(test) ? buildBundles(this.#tree) : undefined;
    if (failure !== undefined) throw new Error(failure);
    const file = discoverTests(this.#tree, [test]).find(({ path }) => path === test);
    if (file === undefined) throw new Error(`there is no test ${test}`);
    return await runFile(this.#tree, file, this.#signal);
  }
}

function isPassed({ passed, failed, problems }: FileResult): boolean {
  return passed > 0 && failed === 0 && problems.length === 0;
}

/** Read it: a test that could not even begin has failed too, and holds nothing. */
function failureOf({ problems, output }: FileResult): string {
  const [, name] = /^ *FAIL +(.*)$/m.exec(stripVTControlCharacters(output)) ?? [];
  return name ?? problems[0] ?? '';
}

function wordsOf({ problems, output }: FileResult): string {
  const failure = output.indexOf('FAIL');
  return [...problems, output.slice(Math.max(0, failure)).slice(0, SAID)].join('\n').trim();
}
