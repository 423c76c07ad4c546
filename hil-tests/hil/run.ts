import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Ending, exitGraceMs, maxOutputBytes, runProcess } from '../runner/run-process.ts';
import type { Outcome, PlayedStep } from '../scenario/play.ts';
import { Artefacts, replayLines } from './artefacts.ts';
import type { ScenarioFile } from './load.ts';
import { type BenchChoice, tidyBench } from './open-bench.ts';
import { isReport, type Report, type ScenarioResult } from './report.ts';

/** Milliseconds that a scenario has to be loaded, before it says how long it may take. */
const loadingMs = 60_000;
/** Milliseconds that it has beyond its time limit, to leave everything as it was. */
const closingMs = 20_000;
/** How much of what a process printed last is said of one that ended badly, in characters. */
const mostLast = 4000;

const player = fileURLToPath(new URL('./play.ts', import.meta.url));

/** How scenarios are played. */
export interface RunOptions {
  readonly bench: BenchChoice;
  readonly seed: number;
  /** How many at a time. */
  readonly jobs: number;
  /** Folder in which each that fails leaves a folder of its own. */
  readonly artefacts: string;
  /** Aborting it ends what is being played, and all it started. */
  readonly signal: AbortSignal;
  /** Hears of steps as they are played, and of each scenario as it ends. */
  readonly onReport: (file: ScenarioFile, report: Report) => void;
  readonly onResult: (result: ScenarioResult) => void;
}

/**
 * Plays scenarios, each in a process of its own; what became of each, in the order in which they were given. Those whose turn
 * had not come when it was aborted are skipped, and say why.
 */
export async function runScenarios(
  files: readonly ScenarioFile[],
  options: RunOptions,
): Promise<ScenarioResult[]> {
  const results = files.map(notPlayed);
  const queue = files.entries();
  const lane = async () => {
    for (const [index, file] of queue) {
      if (options.signal.aborted) return;
      const result = await runScenario(file, options);
      results[index] = result;
      options.onResult(result);
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, lane));
  return results;
}

function notPlayed({ name, path }: ScenarioFile): ScenarioResult {
  const outcome = { result: 'skipped', reason: 'interrupted before its turn' } as const;
  return { name, about: path, outcome, seconds: 0, steps: [], output: '' };
}

async function runScenario(file: ScenarioFile, options: RunOptions): Promise<ScenarioResult> {
  const { bench, seed, artefacts, signal, onReport } = options;
  const heard = new Heard();
  const ended = new AbortController();
  const abort = () => ended.abort();
  signal.addEventListener('abort', abort);
  let late: string | undefined;
  const giveUp = (milliseconds: number, why: string) =>
    setTimeout(() => {
      late = why;
      ended.abort();
    }, milliseconds);
  let limit = giveUp(loadingMs, `it was not loaded within ${loadingMs / 1000} s`);
  const folder = join(artefacts, file.name);
  const { ending, leftovers, output, seconds } = await runProcess({
    args: [
      player,
      file.path,
      '--seed',
      String(seed),
      '--artefacts',
      artefacts,
      '--bench',
      JSON.stringify(bench),
    ],
    cwd: process.cwd(),
    // The limit is the scenario's own, which it tells: this one is beyond all of them.
    timeLimitMs: 2 ** 31 - 1,
    signal: ended.signal,
    isOver: () => heard.outcome !== undefined,
    onMessage: (message) => {
      // A program that a scenario loads may have words of its own for whoever started it.
      if (!isReport(message)) return;
      const report = message;
      heard.take(report);
      if (report.report === 'scenario') {
        clearTimeout(limit);
        const seconds = report.timeLimitMs / 1000;
        limit = giveUp(report.timeLimitMs + closingMs, `not done within its time limit of ${seconds} s`);
      }
      onReport(file, report);
    },
  });
  clearTimeout(limit);
  signal.removeEventListener('abort', abort);
  const untidy = await tidyBench(bench).then(
    () => undefined,
    (error: Error) => error.message,
  );
  const problem =
    late ??
    (signal.aborted ? 'interrupted' : undefined) ??
    problemOf(ending, heard, output) ??
    untidy ??
    leftovers.map(({ pid, command }) => `left a process running: ${pid} ${command}`)[0];
  const outcome: Outcome =
    problem === undefined || heard.outcome?.result === 'failed'
      ? (heard.outcome ?? { result: 'failed', problem: 'it said nothing' })
      : { result: 'failed', problem: heard.whereOf(problem) };
  const steps = heard.stepsWith(outcome);
  const about = heard.about ?? file.path;
  const result = { name: file.name, about, outcome, seconds, steps, output };
  const left = Artefacts.at(folder);
  if (outcome.result !== 'failed') {
    left.remove();
    return result;
  }
  left.writeSteps(about, steps, outcome);
  return { ...result, artefacts: { folder, replay: replayLines(folder) } };
}

function problemOf(ending: Ending, heard: Heard, output: string): string | undefined {
  switch (ending.kind) {
    case 'exited': {
      const { code, signal } = ending;
      const how = signal ?? `code ${code}`;
      const last = output.trim().split('\n').slice(-30).join('\n').slice(-mostLast);
      if (heard.outcome === undefined) return `its process ended (${how}) before the scenario did\n${last}`;
      // What breaks behind the last step has failed, too.
      const isFine = heard.outcome.result === 'failed' || how === 'code 0';
      return isFine ? undefined : `after its last step its process ended with ${how}\n${last}`;
    }
    case 'open handle':
      return `its process did not exit within ${exitGraceMs / 1000} s of its end: it leaves a handle open`;
    case 'too much output':
      return `it printed more than ${maxOutputBytes} bytes`;
    case 'timed out':
      return 'not done';
  }
}

/** What a process that plays a scenario has told. */
class Heard {
  about: string | undefined;
  outcome: Outcome | undefined;
  readonly #steps: PlayedStep[] = [];
  #underWay: { kind: PlayedStep['kind']; words: string; since: number } | undefined;

  take(report: Report): void {
    switch (report.report) {
      case 'scenario':
        this.about = report.about;
        return;
      case 'begun':
        this.#underWay = { kind: report.kind, words: report.words, since: performance.now() };
        return;
      case 'played':
        this.#underWay = undefined;
        this.#steps.push(report.step);
        return;
      case 'end':
        this.outcome = report.outcome;
    }
  }

  /** A problem, with the step that was under way. */
  whereOf(problem: string): string {
    const step = this.#underWay;
    return step === undefined ? problem : `${step.kind} ${step.words}: ${problem}`;
  }

  /** The steps; one that never ended has the scenario's problem. */
  stepsWith(outcome: Outcome): readonly PlayedStep[] {
    const step = this.#underWay;
    if (step === undefined || outcome.result !== 'failed') return this.#steps;
    const { kind, words, since } = step;
    const seconds = (performance.now() - since) / 1000;
    return [...this.#steps, { kind, words, seconds, problem: outcome.problem }];
  }
}
