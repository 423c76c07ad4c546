// npm run fuzz -- --door NAME [--bytes N] [--seed S] [--json]
import { parseArgs } from 'node:util';
import { runCommand, say } from '../../runner/command.ts';
import { wholeNumber } from '../../runner/whole-number.ts';
import { temporaryCloud } from '../../scenarios/temporary-cloud.ts';
import { fuzzLink } from '../../serial-link/fuzz.ts';
import { freeSocketPorts } from '../../system/index.ts';
import { doors } from './doors.ts';
import { fuzzDoor } from './run.ts';

/** What has no cloud behind it. */
const link = 'link';

const usage = `Usage: npm run fuzz -- --door ${[...Object.keys(doors), link].join('|')} [--bytes N] [--seed S] [--json]

Sends hostile bytes to one door of a cloud process: noise, TLS that is none, valid packets spoilt, credentials in order
followed by garbage, drips, floods, half-open connections and what is too long; while a client in order goes on
delivering through the same door. Afterwards every account must balance, and be exactly that client's.

The door link is the serial link of provisioning and flashing, without a cloud: noise, spoilt frames, frames of earlier
sessions and strangers on a line between two ends that send each other numbers; each must come, once and in order.

  --door NAME  which door
  --bytes N    how many (default: 5000000; about a megabyte a second)
  --seed S     what they are drawn from (default: 1)
  --json       one line of JSON on standard output; what goes on is told on standard error in any case

Exit codes: 0 no fault; 1 a fault; 2 called wrongly.
`;

process.exitCode = await runCommand(usage, readOptions, main);

async function main(options: ReturnType<typeof readOptions>): Promise<number> {
  if (options.open === undefined) {
    const run = fuzzLink({ ...options, say });
    tell(options, run);
    return run.faults.length === 0 ? 0 : 1;
  }
  const temporary = await temporaryCloud({ sockets: freeSocketPorts });
  let faults: readonly string[] = [];
  try {
    const open = await options.open();
    const run = await fuzzDoor(temporary.cloud, await open(temporary.cloud), { ...options, say });
    faults = run.faults;
    tell(options, run);
  } finally {
    // It fails where its log holds a secret.
    await temporary.end();
  }
  return faults.length === 0 ? 0 : 1;
}

function tell({ door, json }: { readonly door: string; readonly json: boolean }, run: object): void {
  const figures = { door, ...run };
  if (json) process.stdout.write(`${JSON.stringify(figures)}\n`);
  else
    for (const [name, value] of Object.entries(figures))
      console.log(`${name}: ${JSON.stringify(value, null, 2)}`);
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      door: { type: 'string', default: '' },
      bytes: { type: 'string', default: '5000000' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const open = doors[values.door];
  if (open === undefined && values.door !== link && !values.help) {
    throw new Error(`--door ${values.door}: it must be one of ${[...Object.keys(doors), link].join(', ')}`);
  }
  return {
    ...values,
    open,
    bytes: wholeNumber('bytes', values.bytes, 1, 100_000_000_000),
    seed: wholeNumber('seed', values.seed, 0, 2_000_000),
  };
}
