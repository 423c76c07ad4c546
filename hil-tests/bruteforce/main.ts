// npm run bruteforce -- [--attempts N] [--accounts N] [--json]
import { parseArgs } from 'node:util';
import { runCommand, say } from '../runner/command.ts';
import { wholeNumber } from '../runner/whole-number.ts';
import { temporaryCloud } from '../scenarios/temporary-cloud.ts';
import { bruteForce } from './run.ts';

const usage = `Usage: npm run bruteforce -- [--attempts N] [--accounts N] [--json]

Guesses passwords at a cloud, each time from another of many addresses: of people that there are, of people who were
invited and have none yet, and of nobody. Meanwhile the owner of one of the accounts logs in on his usual device.

  --attempts N  guesses (default: 100000; some hundreds a second)
  --accounts N  accounts of each of the three classes (default: 10)
  --json        one line of JSON on standard output; what goes on is told on standard error in any case

What the JSON says:
  statuses     answers of each class by status: 401 wrong, 429 held back before the password was looked at
  checked      guesses whose password was looked at, of each class
  differences  forms of an answer that not every class got, times and seconds to wait left out: there must be none
  owner        logins of the owner, and those that were refused: there must be none
  alarms       mails that told of it, by who got them
  times        ms to the answer: quantiles, and the Mann-Whitney test of one class against another; share is how often the
               one took longer, 0.5 where nobody can tell. Reported, and judged by whoever reads it
  memory       resident, of the cloud, MiB

Exit codes: 0 nobody got in but the owner, and he always did, and no answer told the classes apart; 1 else; 2 called wrongly.
`;

process.exitCode = await runCommand(usage, readOptions, main);

async function main(options: ReturnType<typeof readOptions>): Promise<number> {
  const temporary = await temporaryCloud();
  try {
    const run = await bruteForce(temporary.cloud, { ...options, state: temporary.state, say });
    if (options.json) process.stdout.write(`${JSON.stringify(run)}\n`);
    else for (const [name, value] of Object.entries(run)) console.log(`${name}: ${JSON.stringify(value)}`);
    return run.differences.length + run.entered + run.owner.refused === 0 ? 0 : 1;
  } finally {
    await temporary.end();
  }
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      attempts: { type: 'string', default: '100000' },
      accounts: { type: 'string', default: '10' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  return {
    ...values,
    attempts: wholeNumber('attempts', values.attempts, 12, 10_000_000),
    accounts: wholeNumber('accounts', values.accounts, 1, 100),
  };
}
