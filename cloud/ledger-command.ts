import { type CheckIo, runCheck } from './check-command.ts';
import { checkLedgers, type LedgerVerdict } from './store/index.ts';

const usage = `usage: loadline-cloud ledger check --state DIR [--json]

Works out the account of every device again from the readings that are in the store, and compares: received = stored +
duplicate + rejected, and stored = found + expired + deleted. Nothing is written; the cloud may be running or not.

  --state DIR   the cloud's state folder; be its user
  --json        one JSON object a device, as a line

Progress is on standard error. Ends with 0 where every account agrees, 1 where one does not, 2 where that could not be
found out.
`;

/** Runs `loadline-cloud ledger` with the arguments after it; the code to exit with. */
export async function ledgerCommand(args: readonly string[], io: CheckIo): Promise<number> {
  return runCheck(
    {
      ...{ name: 'ledger', usage },
      check: (database, { out, err, json }) => {
        const told = ({ done, of }: { done: number; of: number }) => err.write(`${done} of ${of} read\n`);
        let [agrees, devices] = [true, 0];
        for (const verdict of checkLedgers(database, told)) {
          devices += 1;
          if (verdict.faults.length > 0) agrees = false;
          out.write(json ? `${JSON.stringify(verdict)}\n` : sentence(verdict));
        }
        if (devices === 0 && !json) out.write('there is no device yet\n');
        return agrees;
      },
    },
    args,
    io,
  );
}

function sentence({ organisation, device, readings, found, faults }: LedgerVerdict): string {
  const what = faults.length === 0 ? 'agrees' : `DOES NOT AGREE: ${faults.join('; ')}`;
  return `${organisation}/${device}: ${readings.received} readings received, ${found} found: ${what}\n`;
}
