import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { databaseFiles, heldKey, type KeySources } from './at-rest/index.ts';
import { checkAccounting } from './store/index.ts';

const usage = `usage: loadline-cloud accounting check --state DIR [--json]

Adds the records of all sessions up again, and compares that with what is kept as used by each day. The readings of each
device are held against its ledger too: where they differ, sessions were not counted yet when they came, or a crash lost
what came after their last record. Nothing is written; the cloud may be running or not.

  --state DIR   the cloud's state folder; be its user
  --json        one JSON object

Ends with 0 where the sums are what the records come to, 1 where they are not, 2 where that could not be found out.
`;

interface Io {
  readonly out: { write(text: string): void };
  readonly err: { write(text: string): void };
  readonly sources: KeySources;
}

/** Runs `loadline-cloud accounting` with the arguments after it; the code to exit with. */
export async function accountingCommand(args: readonly string[], { out, err, sources }: Io): Promise<number> {
  try {
    const [verb, ...rest] = args;
    if (verb === undefined || verb === '--help') {
      out.write(usage);
      return verb === undefined ? 2 : 0;
    }
    if (verb !== 'check') throw new Error(`accounting ${verb}: no such command; there is accounting check`);
    const { values } = parseArgs({
      args: rest,
      options: {
        state: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      out.write(usage);
      return 0;
    }
    const { state } = values;
    if (state === undefined) throw new Error('--state is missing: whose accounts shall be checked?');
    const { database } = databaseFiles(state);
    if (!existsSync(database)) {
      throw new Error(`${state} is not the state folder of a cloud: ${database} is missing`);
    }
    const verdict = checkAccounting({ file: database, key: heldKey(state, sources) });
    if (values.json) out.write(`${JSON.stringify(verdict)}\n`);
    else {
      for (const fault of verdict.faults) out.write(`NOT EQUAL: ${fault}\n`);
      for (const { device, received, accounted } of verdict.uncounted) {
        out.write(
          `${device}: the ledger has received ${received} readings, ${accounted} are accounted for\n`,
        );
      }
      const what =
        verdict.faults.length === 0 ? 'are what the records come to' : 'ARE NOT what the records come to';
      out.write(`${verdict.sums} sums of days and subjects ${what}\n`);
    }
    return verdict.faults.length === 0 ? 0 : 1;
  } catch (error) {
    err.write(`loadline-cloud: ${(error as Error).message}\n`);
    return 2;
  }
}
