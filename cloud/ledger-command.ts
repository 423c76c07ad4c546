import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { databaseFiles, heldKey, type KeySources } from './at-rest/index.ts';
import { checkLedgers, type LedgerVerdict } from './store/index.ts';

const usage = `usage: loadline-cloud ledger check --state DIR [--json]

Works out the account of every device again from the readings that are in the store, and compares: received = stored +
duplicate + rejected, and stored = found + expired + deleted. Nothing is written; the cloud may be running or not.

  --state DIR   the cloud's state folder; be its user
  --json        one JSON object a device, as a line

Progress is on standard error. Ends with 0 where every account agrees, 1 where one does not, 2 where that could not be
found out.
`;

interface Io {
  readonly out: { write(text: string): void };
  readonly err: { write(text: string): void };
  readonly sources: KeySources;
}

/** Runs `loadline-cloud ledger` with the arguments after it; the code to exit with. */
export async function ledgerCommand(args: readonly string[], { out, err, sources }: Io): Promise<number> {
  try {
    const [verb, ...rest] = args;
    if (verb === undefined || verb === '--help') {
      out.write(usage);
      return verb === undefined ? 2 : 0;
    }
    if (verb !== 'check') throw new Error(`ledger ${verb}: no such command; there is ledger check`);
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
    const told = ({ done, of }: { done: number; of: number }) => err.write(`${done} of ${of} read\n`);
    let code = 0;
    let devices = 0;
    for (const verdict of checkLedgers({ file: database, key: heldKey(state, sources) }, told)) {
      devices += 1;
      if (verdict.faults.length > 0) code = 1;
      out.write(values.json ? `${JSON.stringify(verdict)}\n` : sentence(verdict));
    }
    if (devices === 0 && !values.json) out.write('there is no device yet\n');
    return code;
  } catch (error) {
    err.write(`loadline-cloud: ${(error as Error).message}\n`);
    return 2;
  }
}

function sentence({ organisation, device, readings, found, faults }: LedgerVerdict): string {
  const what = faults.length === 0 ? 'agrees' : `DOES NOT AGREE: ${faults.join('; ')}`;
  return `${organisation}/${device}: ${readings.received} readings received, ${found} found: ${what}\n`;
}
