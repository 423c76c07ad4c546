// Plays one scenario: node play.ts FILE [--seed S] [--artefacts DIR] [--bench JSON]. A parent with a channel is told by reports;
// without one, what happens is printed, and a summary in uvu's form at the end.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findLeftovers, RUN_MARK } from '../runner/process-tree.ts';
import { type Outcome, type PlayedStep, playScenario, problemOf } from '../scenario/play.ts';
import { Artefacts, replayLines } from './artefacts.ts';
import { loadScenario, scenarioFile } from './load.ts';
import { type BenchChoice, openBench } from './open-bench.ts';
import type { Report } from './report.ts';
import { usualArtefacts } from './usual.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: process.env.LOADLINE_SEED ?? '1' },
    artefacts: { type: 'string', default: usualArtefacts },
    bench: { type: 'string', default: '{"kind":"virtual"}' },
  },
});
const file = scenarioFile(positionals[0] ?? '');
const artefacts = Artefacts.begin(join(values.artefacts, file.name));
const began = performance.now();
const steps: PlayedStep[] = [];

// Whoever was to hear of it is gone, and ends nothing any more.
const endAlone = () => {
  const mark = process.env[RUN_MARK];
  for (const { pid } of mark === undefined ? [] : findLeftovers(process.pid, mark)) {
    if (pid !== process.pid) process.kill(pid, 'SIGKILL');
  }
  process.exit(1);
};
process.once('disconnect', endAlone);

const tell = process.send === undefined ? print : send;
let about = file.path;
let isDecided = false;
/** When what was told last has left: a long word would be cut off by disconnecting. */
let told: Promise<unknown> = Promise.resolve();
// What a scenario had under way may break when its bench is closed; before that, nothing that breaks is left unsaid.
process.on('unhandledRejection', (error) => {
  if (!isDecided) throw error;
});
const outcome = await play();
// A parent that is told judges how this process ends, too, and keeps or removes them then.
if (outcome.result === 'failed') artefacts.writeSteps(about, steps, outcome);
else if (process.send === undefined) artefacts.remove();
tell({ report: 'end', outcome });
process.exitCode = outcome.result === 'failed' ? 1 : 0;
process.off('disconnect', endAlone);
if (process.connected) await told.then(() => process.disconnect());

async function play(): Promise<Outcome> {
  try {
    const scenario = await loadScenario(file);
    about = scenario.about;
    const bench = await openBench(JSON.parse(values.bench) as BenchChoice, { artefacts: artefacts.folder });
    const { timeLimitMs } = scenario;
    tell({ report: 'scenario', about, timeLimitMs, bench: bench.label });
    return await playScenario(scenario, {
      bench,
      seed: Number(values.seed),
      artefacts: artefacts.folder,
      audience: {
        begun: (kind, words) => tell({ report: 'begun', kind, words }),
        played: (step) => {
          steps.push(step);
          tell({ report: 'played', step });
        },
        decided: () => {
          isDecided = true;
        },
      },
    });
  } catch (error) {
    return { result: 'failed', problem: problemOf(error) };
  }
}

function send(report: Report): void {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  told = promise;
  process.send?.(report, undefined, {}, resolve);
}

function print(report: Report): void {
  switch (report.report) {
    case 'scenario':
      console.log(`${file.name}: ${report.about}`);
      return;
    case 'begun':
      return;
    case 'played': {
      const { kind, words, seconds, problem } = report.step;
      console.log(`${problem === undefined ? '  ' : '  FAILED '}${kind} ${words} (${seconds.toFixed(1)} s)`);
      return;
    }
    case 'end':
      printEnd(report.outcome);
  }
}

function printEnd(end: Outcome): void {
  if (end.result === 'skipped') console.log(`skipped: ${file.name}: ${end.reason}`);
  if (end.result === 'failed') {
    console.log(end.problem);
    if (existsSync(artefacts.folder))
      console.log(`left in ${artefacts.folder}; play it again: ${replayLines(artefacts.folder).join('; ')}`);
  }
  const passed = steps.filter(({ problem }) => problem === undefined).length;
  // What failed outside of any step counts too.
  const failed = end.result === 'failed' ? Math.max(1, steps.length - passed) : 0;
  console.log(`
  Total:     ${passed + failed}
  Passed:    ${passed}
  Skipped:   ${end.result === 'skipped' ? 1 : 0}
  Duration:  ${(performance.now() - began).toFixed(2)}ms
`);
}
