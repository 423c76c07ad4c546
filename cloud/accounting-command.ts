import { type CheckIo, runCheck } from './check-command.ts';
import { checkAccounting } from './store/index.ts';

const usage = `usage: loadline-cloud accounting check --state DIR [--json]

Adds the records of all sessions up again, and compares that with what is kept as used by each day. The readings of each
device are held against its ledger too: where they differ, sessions were not counted yet when they came, or a crash lost
what came after their last record. Nothing is written; the cloud may be running or not.

  --state DIR   the cloud's state folder; be its user
  --json        one JSON object

Ends with 0 where the sums are what the records come to, 1 where they are not, 2 where that could not be found out.
`;

/** Runs `loadline-cloud accounting` with the arguments after it; the code to exit with. */
export async function accountingCommand(args: readonly string[], io: CheckIo): Promise<number> {
  return runCheck(
    {
      ...{ name: 'accounting', usage },
      check: (database, { out, json }) => {
        const verdict = checkAccounting(database);
        const agrees = verdict.faults.length === 0;
        if (json) {
          out.write(`${JSON.stringify(verdict)}\n`);
          return agrees;
        }
        for (const fault of verdict.faults) out.write(`NOT EQUAL: ${fault}\n`);
        for (const { device, received, accounted } of verdict.uncounted) {
          out.write(
            `${device}: the ledger has received ${received} readings, ${accounted} are accounted for\n`,
          );
        }
        const what = agrees ? 'are what the records come to' : 'ARE NOT what the records come to';
        out.write(`${verdict.sums} sums of days and subjects ${what}\n`);
        return agrees;
      },
    },
    args,
    io,
  );
}
