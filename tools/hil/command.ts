import { availableParallelism } from 'node:os';
import { hil, listScenarios, UsageError, usualArtefacts } from '@loadline/hil-tests/hil';
import { Command, InvalidArgumentError } from 'commander';

interface Flags {
  list: boolean;
  seed: number;
  jobs?: number;
  junit?: string;
  artefacts: string;
  json: boolean;
}

/** Half of the processors: a scenario is three processes that wait most of their time. */
const usualJobs = Math.max(1, Math.floor(availableParallelism() / 2));

/** `loadline hil`: scenarios, played on a bench. */
export function hilCommand(): Command {
  return new Command('hil')
    .description(
      'play scenarios: a gateway with its radio and its cloud, whatever goes wrong between them, and what must be seen',
    )
    .argument(
      '[scenarios...]',
      'names of --list, or files of your own: my/*.scenario.ts (default: all of --list)',
    )
    .option(
      '--list',
      'say what scenarios there are, what each is about, and what it needs of the bench',
      false,
    )
    .option('--seed <n>', 'of what is drawn by lot; the same draws the same', wholeNumber(0, 2 ** 31 - 1), 1)
    .option(
      '--jobs <n>',
      `how many at a time (default: half of the processors, here ${usualJobs})`,
      wholeNumber(1, 64),
    )
    .option('--junit <file>', 'the results as JUnit XML, for GitLab, GitHub and Jenkins')
    .option('--artefacts <dir>', 'where one that fails leaves its logs and recordings', usualArtefacts)
    .option('--json', 'one line of JSON on standard output; what people read is on standard error', false)
    .addHelpText(
      'after',
      `
Each scenario has a process and a time limit of its own. It stands on a bench: a simulated radio on a virtual serial port,
the shipped gateway, and the shipped cloud on a database of its own. That needs no root, and no network but this machine's
own. What a bench cannot do is skipped by name, with the reason.

One that fails leaves <dir>/<its name>/: steps.log, gateway.log, cloud.log, and a recording of each line (*.hex), which
'loadline replay' plays again. How to write one of your own: the README of @loadline/hil-tests.

JSON: {"seed","bench","passed","failed","skipped","seconds","scenarios":[{"name","about","result","reason","problem",
"seconds","steps":[{"kind","words","seconds","problem"}],"artefacts":{"folder","replay"}}]}

Exit codes: 0 all that were played passed, 1 one failed or none was played, 2 called wrongly.

Examples:
  loadline hil --junit results.xml
  loadline hil replug noisy-line --seed 7
  loadline hil my/*.scenario.ts --jobs 1`,
    )
    .action(play);
}

async function play(chosen: string[], flags: Flags, command: Command): Promise<void> {
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ended.abort());
  const { list, jobs = usualJobs, ...options } = flags;
  try {
    if (list) await listScenarios(chosen, console.log);
    else
      process.exitCode = await hil({
        ...options,
        jobs,
        chosen,
        bench: { kind: 'virtual' },
        signal: ended.signal,
      });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    command.error(`error: ${error.message}`);
  }
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}
