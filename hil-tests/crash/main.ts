// npm run crash -- --cycles N [--seed S] [--rate F] [--json] [--keep]
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildBundles } from '../runner/build.ts';
import { runCommand, say } from '../runner/command.ts';
import { wholeNumber } from '../runner/whole-number.ts';
import { type CrashRun, crash } from './run.ts';
import { sides } from './strikes.ts';

const usage = `Usage: npm run crash -- [--cycles N] [--seed S] [--side S] [--rate F] [--json] [--keep]

Kills (kill -9) the gateway, the cloud or both, again and again under load, at moments drawn by lot; lets everything
drain; and judges by the cloud's own record. Simulated radio, the shipped gateway bundle, real TLS, a real database.

  --cycles N   kills (default: 20; a cycle takes about 4 s)
  --seed S     what the moments are drawn from (default: 1)
  --side S     kill the gateway or the cloud alone (gateway, cloud; default: any)
  --rate F     frames a second on the gateway's port (default: 300)
  --json       one line of JSON on standard output; what goes on is told on standard error in any case
  --keep       keep the folder; after a failure it is kept anyhow

What the JSON says:
  acked            readings known to be acknowledged: of bare clients exactly (ackedByClient, by door in ackedByDoor), of the gateway at least
                   (ackedByGateway: at each kill, what it had numbered in that life less all that its journal held)
  lost             acknowledged and not stored; or heard by a gateway longer before its kill than its flush time (1 s,
                   and 1 s for timers on a busy machine), and neither stored nor declared dropped
  duplicated       values stored more than once
  declaredDropped  numbers that the gateway declared dropped and the cloud has not got, by the cloud's ledger
  unflushed        heard, younger than that at the kill, and gone; oldestUnflushedMs is the age of the oldest
  unheard          sent while no gateway had the port open
  foreign          stored and never sent

Exit codes: 0 nothing lost, duplicated or foreign, and nothing died by itself; 1 something was; 2 called wrongly.
`;

const root = join(import.meta.dirname, '../..');

process.exitCode = await runCommand(usage, readOptions, main);

async function main(options: ReturnType<typeof readOptions>): Promise<number> {
  const failure = buildBundles(root);
  if (failure !== undefined) {
    say(failure);
    return 1;
  }
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => interrupted.abort());
  let run: CrashRun;
  try {
    run = await crash({ ...options, say, signal: interrupted.signal });
  } catch (error) {
    say((error as Error).message);
    return 1;
  }
  const { folder, cycles, verdict, sent, kills, died, seconds } = run;
  const { acked, lost, duplicated, declaredDropped, ...rest } = verdict;
  const figures = {
    ...{ cycles, seed: options.seed, side: options.side, acked, lost, duplicated, declaredDropped },
    ...rest,
    ...{ sent, kills, died, seconds: Math.round(seconds) },
  };
  if (options.json) process.stdout.write(`${JSON.stringify(figures)}\n`);
  else for (const [name, value] of Object.entries(figures)) console.log(`${name}: ${JSON.stringify(value)}`);
  const isGood = lost + duplicated + verdict.foreign + died.length === 0;
  if (options.keep || !isGood) say(`all of it is in ${folder}`);
  else await rm(folder, { recursive: true });
  return isGood && !interrupted.signal.aborted ? 0 : 1;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      cycles: { type: 'string', default: '20' },
      seed: { type: 'string', default: '1' },
      rate: { type: 'string', default: '300' },
      side: { type: 'string', default: 'any' },
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const side = sides.find((one) => one === values.side);
  if (side === undefined) throw new Error(`--side ${values.side}: it must be one of ${sides.join(', ')}`);
  return {
    ...values,
    side,
    cycles: wholeNumber('cycles', values.cycles, 1, 100_000),
    seed: wholeNumber('seed', values.seed, 0, 2 ** 31 - 1),
    rate: wholeNumber('rate', values.rate, 1, 5000),
  };
}
