// npm run fuzz:api -- [--requests N] [--seed S] [--json]
import { parseArgs } from 'node:util';
import { inhabit } from '../../inhabited/site.ts';
import { runCommand, say } from '../../runner/command.ts';
import { wholeNumber } from '../../runner/whole-number.ts';
import { temporaryCloud } from '../../scenarios/temporary-cloud.ts';
import { fuzz } from './run.ts';

const usage = `Usage: npm run fuzz:api -- [--requests N] [--seed S] [--json]

Sends requests to every operation of the REST API of a cloud that people live in, in shape and out of it, as an
administrator and fleet operator and as nobody. No answer may be a 5xx, none may be missing, every refusal must be
problem details with a known code, and afterwards every account and audit log must be whole.

  --requests N  how many (default: 20000; some hundreds a second)
  --seed S      what they are drawn from (default: 1)
  --json        one line of JSON on standard output; what goes on is told on standard error in any case

Exit codes: 0 no fault; 1 a fault; 2 called wrongly.
`;

process.exitCode = await runCommand(usage, readOptions, main);

async function main(options: ReturnType<typeof readOptions>): Promise<number> {
  const temporary = await temporaryCloud();
  try {
    const site = await inhabit(temporary.cloud, temporary.state);
    const run = await fuzz(site, { ...options, say });
    site.close();
    if (options.json) process.stdout.write(`${JSON.stringify(run)}\n`);
    else
      for (const [name, value] of Object.entries(run))
        console.log(`${name}: ${JSON.stringify(value, null, 2)}`);
    for (const line of temporary.cloud.service.log) if (line.level === 'error') say(JSON.stringify(line));
    return run.faults.length + run.broken.length === 0 ? 0 : 1;
  } finally {
    await temporary.end();
  }
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      requests: { type: 'string', default: '20000' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  return {
    ...values,
    requests: wholeNumber('requests', values.requests, 1, 10_000_000),
    seed: wholeNumber('seed', values.seed, 0, 2 ** 31 - 1),
  };
}
