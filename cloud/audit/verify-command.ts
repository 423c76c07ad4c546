import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { type Verdict, type Witness, witnessIn } from '@loadline/sdk/audit';
import type { KeySources } from '../at-rest/index.ts';
import { verifyChains } from '../state-folder.ts';

const verifyUsage = `usage: loadline-cloud audit verify --state DIR [--organisation ID] [--log FILE]... [--json]

Verifies the hash chains of the audit log. Nothing is written; the cloud may be running or not.

  --state DIR         the cloud's state folder
  --organisation ID   only this organisation's chain; '' for the fleet's
  --log FILE          a log of the cloud: every head it told ("audit-head") must be in its chain; may be repeated
  --json              one JSON object a chain

Ends with 0 where every chain is whole, 1 where one is not, 2 where that could not be found out.
`;

interface Output {
  write(text: string): void;
}

/** Runs `loadline-cloud audit` with the arguments after it; the code to exit with. */
export async function auditCommand(
  args: readonly string[],
  { out, err, sources }: { out: Output; err: Output; sources: KeySources },
): Promise<number> {
  try {
    const [verb, ...rest] = args;
    if (verb === undefined || verb === '--help') {
      out.write(verifyUsage);
      return verb === undefined ? 2 : 0;
    }
    if (verb !== 'verify') throw new Error(`audit ${verb}: no such command; there is audit verify`);
    const { values } = parseArgs({
      args: rest,
      options: {
        state: { type: 'string' },
        organisation: { type: 'string' },
        log: { type: 'string', multiple: true, default: [] },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      out.write(verifyUsage);
      return 0;
    }
    if (values.state === undefined) throw new Error('--state is missing: whose log shall be verified?');
    const witnesses = (await Promise.all(values.log.map(witnessesInFile))).flat();
    return verify({ ...values, state: { folder: values.state, sources } }, witnesses, out);
  } catch (error) {
    err.write(`loadline-cloud: ${(error as Error).message}\n`);
    return 2;
  }
}

function verify(
  {
    state,
    organisation,
    json,
  }: {
    state: Parameters<typeof verifyChains>[0];
    organisation?: string | undefined;
    json: boolean;
  },
  witnesses: readonly Witness[],
  out: Output,
): number {
  let code = 0;
  let chains = 0;
  const wanted = organisation === undefined ? undefined : { organisation: organisation || null };
  for (const { span, verdict } of verifyChains(state, wanted, witnesses)) {
    chains += 1;
    if (!verdict.whole) code = 1;
    const { organisation: chain, base, head } = span;
    out.write(
      json
        ? `${JSON.stringify({ organisation: chain, base, head, ...verdict })}\n`
        : `${chain === null ? 'the fleet' : `organisation ${chain}`}: ${sentence(verdict)}, head ${head.sequence} ${head.hash}\n`,
    );
  }
  if (chains === 0 && !json) out.write('there is no entry yet\n');
  return code;
}

function sentence(verdict: Verdict): string {
  if (!verdict.whole) return `NOT WHOLE: entry ${verdict.sequence} is ${verdict.why}`;
  const { entries, erased } = verdict;
  return `whole, ${entries} entries${erased === 0 ? '' : ` (of ${erased} what was personal is erased)`}`;
}

async function witnessesInFile(path: string): Promise<Witness[]> {
  if (!existsSync(path)) throw new Error(`--log ${path}: there is no such file`);
  const witnesses: Witness[] = [];
  for await (const line of createInterface({
    input: createReadStream(path),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    const witness = witnessIn(line);
    if (witness !== undefined) witnesses.push(witness);
  }
  return witnesses;
}
