// npm run cuts -- [--cuts N] [--seed S] [--json]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildBundles } from '../runner/build.ts';
import { runCommand, say } from '../runner/command.ts';
import { needs } from '../runner/debian.ts';
import { wholeNumber } from '../runner/whole-number.ts';
import { cutAtRandom } from './run.ts';

const usage = `Usage: npm run cuts -- [--cuts N] [--seed S] [--json]

Updates a gateway again and again with the shipped installer and the shipped launcher, under strace, and cuts the power at a
random system call of each update; what was not synced is lost, by lot. After each cut the launcher is started on what is
left: it must start a release that is whole, the old one or the new one. The next update begins there.

  --cuts N   updates, each with one cut (default: 100; one takes about 3 s)
  --seed S   what the moments, and what is lost, are drawn from (default: 1)
  --json     one line of JSON on standard output; what goes on is told on standard error in any case

Exit codes: 0 a whole release started after each cut; 1 not so; 2 called wrongly.
`;

process.exitCode = await runCommand(usage, readOptions, main);

function readOptions() {
  const { values } = parseArgs({
    options: {
      cuts: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  return {
    ...values,
    cuts: wholeNumber('cuts', values.cuts, 1, 100_000),
    seed: wholeNumber('seed', values.seed, 0, 2 ** 31 - 1),
  };
}

async function main({ cuts, seed, json }: ReturnType<typeof readOptions>): Promise<number> {
  const strace = await needs('strace');
  if (strace !== true) throw new Error(strace);
  const failure = buildBundles(join(import.meta.dirname, '../..'));
  if (failure !== undefined) {
    say(failure);
    return 1;
  }
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  const folder = await mkdtemp(join(tmpdir(), 'loadline-cuts-'));
  const began = performance.now();
  const result = await cutAtRandom({ cuts, seed, folder, say, signal: interrupted.signal });
  const figures = { ...result, seed, seconds: Math.round((performance.now() - began) / 1000) };
  if (json) process.stdout.write(`${JSON.stringify(figures)}\n`);
  else for (const [name, value] of Object.entries(figures)) console.log(`${name}: ${JSON.stringify(value)}`);
  const isGood = result.wrong.length === 0 && !interrupted.signal.aborted;
  if (isGood) await rm(folder, { recursive: true });
  else say(`all of it is in ${folder}`);
  return isGood ? 0 : 1;
}
