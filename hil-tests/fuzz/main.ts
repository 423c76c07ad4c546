// npm run fuzz -- NAME [--bytes N] [--seed S] [--json]
import { parseArgs } from 'node:util';
import { runCommand, say } from '../runner/command.ts';
import { wholeNumber } from '../runner/whole-number.ts';
import { targets } from './targets.ts';

const usage = `Usage: npm run fuzz -- ${Object.keys(targets).join('|')} [--bytes N] [--seed S] [--json]

Throws hostile bytes at one thing, and judges what comes of it:

${Object.entries(targets)
  .map(([name, { about }]) => `  ${name.padEnd(8)} ${about.replaceAll('\n', `\n${' '.repeat(11)}`)}`)
  .join('\n')}

  --bytes N  how many (default: 5000000; the doors of the cloud and the configuration take about a megabyte a second)
  --seed S   what they are drawn from (default: 1)
  --json     one line of JSON on standard output; what goes on is told on standard error in any case

Exit codes: 0 no fault; 1 a fault; 2 called wrongly.
`;

process.exitCode = await runCommand(usage, readOptions, main);

async function main({ name, json, bytes, seed }: ReturnType<typeof readOptions>): Promise<number> {
  const fuzz = await targets[name]?.load();
  const run = await fuzz?.({ bytes, seed, say });
  const figures = { target: name, ...run };
  if (json) process.stdout.write(`${JSON.stringify(figures)}\n`);
  else
    for (const [what, value] of Object.entries(figures))
      console.log(`${what}: ${JSON.stringify(value, null, 2)}`);
  return run?.faults.length === 0 ? 0 : 1;
}

function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      bytes: { type: 'string', default: '5000000' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [name = '', ...more] = positionals;
  if (!values.help && (!Object.hasOwn(targets, name) || more.length > 0)) {
    throw new Error(`${positionals.join(' ') || 'nothing'}: say one of ${Object.keys(targets).join(', ')}`);
  }
  return {
    ...values,
    name,
    bytes: wholeNumber('bytes', values.bytes, 1, 100_000_000_000),
    seed: wholeNumber('seed', values.seed, 0, 2_000_000),
  };
}
