// npm run soak -- [--minutes M] [--seed S] [--out DIR] [--json]
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildBundles } from '../runner/build.ts';
import { runCommand, say } from '../runner/command.ts';
import { wholeNumber } from '../runner/whole-number.ts';
import { leastSecondsToJudge } from './flatness.ts';
import { type SoakRun, soak } from './run.ts';

const usage = `Usage: npm run soak -- [--minutes M] [--seed S] [--out DIR] [--json]

Runs the shipped gateway and the cloud, each in one life, under load: twelve simulated transmitters that count, two
devices beside the gateway, somebody who looks; with faults of the network (latency, bandwidth, loss, freeze, reset,
half-open, none at all) and of the radio (noise, bits turned, brown-outs, unplugged, another number), drawn by lot.
Resident memory and open descriptors of both are sampled. At the end everything must drain: every frame that was heard
whole is stored once and in order, every account balances, and neither program has grown (judged from
${leastSecondsToJudge / 60} minutes on, after a third of the run).

  --minutes M  how long (default: 30)
  --seed S     what the faults are drawn from (default: 1)
  --out DIR    what comes of it: figures.json, samples.csv, memory.svg, and after a failure the site's folders with
               both logs (default: a new temporary folder, which is named)
  --json       one line of JSON on standard output; what goes on is told on standard error in any case

Exit codes: 0 nothing was wrong; 1 something was; 2 called wrongly.
`;

const root = join(import.meta.dirname, '../..');

process.exitCode = await runCommand(usage, readOptions, main);

async function main({ json, ...options }: ReturnType<typeof readOptions>): Promise<number> {
  const failure = buildBundles(root);
  if (failure !== undefined) {
    say(failure);
    return 1;
  }
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => interrupted.abort());
  const out = options.out ?? (await mkdtemp(join(tmpdir(), 'loadline-soak-')));
  say(`what comes of it is in ${out}`);
  let run: SoakRun;
  try {
    run = await soak({ ...options, out, say, signal: interrupted.signal });
  } catch (error) {
    say((error as Error).message);
    return 1;
  }
  if (json) process.stdout.write(`${JSON.stringify(run)}\n`);
  else
    for (const [name, value] of Object.entries(run))
      console.log(`${name}: ${JSON.stringify(value, null, 2)}`);
  return run.wrong.length === 0 && !interrupted.signal.aborted ? 0 : 1;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '30' },
      seed: { type: 'string', default: '1' },
      out: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  return {
    ...values,
    minutes: wholeNumber('minutes', values.minutes, 1, 100_000),
    seed: wholeNumber('seed', values.seed, 0, 2 ** 31 - 10),
  };
}
