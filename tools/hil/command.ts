import { availableParallelism } from 'node:os';
import {
  type BenchChoice,
  chooseMetal,
  hil,
  listScenarios,
  UsageError,
  usualArtefacts,
} from '@loadline/hil-tests/hil';
import { Command, InvalidArgumentError } from 'commander';

interface Flags {
  list: boolean;
  seed: number;
  jobs?: number;
  junit?: string;
  artefacts: string;
  json: boolean;
  port?: string;
  gateway?: string;
  baseStation: boolean;
  baud?: string;
  unplugBy?: string;
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
    .option('--port <port>', 'play on metal: the serial port that this machine has of it (docs/metal.md)')
    .option(
      '--gateway <where>',
      'with --port: local:PORT, adapters back to back, or console:PORT, a gateway elsewhere and its console',
    )
    .option('--base-station', 'with --port: a real base station is on it', false)
    .option('--baud <rate>', 'with --port: speed of the line (default: 115200)')
    .option(
      '--unplug-by <whom>',
      "with --port: the gateway's adapter is unplugged by usb (the kernel) or by hand (default: nobody)",
    )
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
  loadline hil my/*.scenario.ts --jobs 1
  loadline hil --port /dev/ttyUSB0 --gateway local:/dev/ttyUSB1`,
    )
    .action(play);
}

async function play(chosen: string[], flags: Flags, command: Command): Promise<void> {
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ended.abort());
  const { list, seed, jobs = usualJobs, junit, artefacts, json } = flags;
  try {
    if (list) {
      await listScenarios(chosen, console.log);
      return;
    }
    const bench = await benchOf(flags);
    const more = junit === undefined ? {} : { junit };
    process.exitCode = await hil({
      chosen,
      bench,
      seed,
      jobs,
      artefacts,
      json,
      signal: ended.signal,
      ...more,
    });
  } catch (error) {
    if (error instanceof UsageError) command.error(`error: ${error.message}`);
    // What is wrong with real ports says what to do.
    const { code, name, message } = error as Error & { readonly code?: string };
    if (name !== 'MetalError') throw error;
    if (code === 'option') command.error(`error: ${message}`);
    process.stderr.write(`loadline hil: ${message}\n`);
    process.exitCode = 1;
  }
}

async function benchOf({ port, gateway, baseStation, baud, unplugBy }: Flags): Promise<BenchChoice> {
  if (port !== undefined) {
    const say = (line: string) => void process.stderr.write(`${line}\n`);
    return await chooseMetal({ port, gateway, baseStation, baud, unplugBy }, say);
  }
  if (gateway === undefined && !baseStation && baud === undefined && unplugBy === undefined)
    return { kind: 'virtual' };
  throw new UsageError('--gateway, --base-station, --baud and --unplug-by are for --port');
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}
