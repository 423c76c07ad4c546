import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Operations, ReplyOf } from '@loadline/sdk/api';
import { type ExportVerdict, verifyExport, type Witness, witnessIn } from '@loadline/sdk/audit';
import { Command } from 'commander';
import { withCloud } from './connection.ts';
import { organisationOf } from './organisation.ts';
import { attempt, CalledWrongly } from './outcome.ts';
import { cloudOptions, organisationOption, resource } from './resource.ts';
import { showItem } from './show.ts';

/** Columns of an audit log. */
export const auditColumns = [
  'sequence',
  'time',
  'actor',
  'source',
  'channel',
  'action',
  'target',
  'outcome',
  'code',
];

/** `loadline audit`: read it, have it verified by the cloud, take it away, and verify what was taken away. */
export function auditCommand(): Command {
  return resource(
    'audit',
    'the audit log of an organisation',
    [
      { name: 'list', calls: 'listAudit', columns: auditColumns },
      {
        name: 'check',
        calls: 'verifyAudit',
        does: 'Have the cloud verify the log’s chain',
        wrong: brokenChain,
      },
    ],
    [exportCommand(), verifyCommand()],
  );
}

/** What a verdict of the cloud says is wrong. */
export function brokenChain(reply: unknown): string | undefined {
  const { broken } = reply as ReplyOf<Operations['verifyAudit']>;
  return broken === null ? undefined : `the chain is NOT WHOLE: entry ${broken.sequence}: ${broken.why}`;
}

function exportCommand(): Command {
  return new Command('export')
    .description('Export the log: a line of JSON for its chain, then one an entry, the oldest first')
    .option('--out <file>', 'into this file, which must not be there; otherwise to standard output')
    .option('--fleet', 'the log of the fleet, for its operators, and not of an organisation', false)
    .addOption(organisationOption())
    .action(async ({ out, fleet, organisation }: { out?: string; fleet: boolean; organisation?: string }) => {
      await attempt('audit export', () =>
        withCloud(async (cloud) => {
          const lines = fleet
            ? await cloud.exportFleetAudit({})
            : await cloud.exportAudit({ organisation: await organisationOf(cloud, organisation) });
          const target =
            out === undefined ? process.stdout : createWriteStream(out, { flags: 'wx', mode: 0o600 });
          // Standard output stays open for what comes after.
          await pipeline(Readable.from(withEnds(lines)), target, { end: out !== undefined });
        }),
      );
    });
}

async function* withEnds(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`;
}

function verifyCommand(): Command {
  return cloudOptions(
    new Command('verify')
      .description('Verify an exported log by itself: no cloud is asked')
      .argument('<file>', 'what `audit export` wrote')
      .option(
        '--log <file>',
        'a log of the cloud: every head it told must be in the chain; may be given again',
        (file: string, before: string[]) => [...before, file],
        [],
      ),
  ).action(async (file: string, { log, json }: { log: string[]; json: boolean }) => {
    await attempt('audit verify', async () => {
      const witnesses: Witness[] = [];
      for (const path of log) {
        for await (const line of linesOf(path)) {
          const witness = witnessIn(line);
          if (witness !== undefined) witnesses.push(witness);
        }
      }
      showItem(describe(file, await verifyExport(linesOf(file), witnesses)), { json });
    });
  });
}

/** @throws Error where the chain is not whole */
function describe(file: string, found: ExportVerdict): Record<string, unknown> {
  if (found.kind === 'header') throw new CalledWrongly(`${file} is no export of an audit log`);
  const { span, verdict } = found;
  if (!verdict.whole) throw new Error(`${file} is NOT WHOLE: entry ${verdict.sequence} is ${verdict.why}`);
  const { entries, erased } = verdict;
  return {
    organisation: span.organisation ?? 'the fleet',
    whole: true,
    entries,
    erased,
    head: span.head.hash,
  };
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const input = createReadStream(path);
  const opened = new Promise<void>((resolve, reject) => {
    input.once('open', () => resolve());
    input.once('error', (error) => reject(new CalledWrongly(`it cannot be read: ${error.message}`)));
  });
  await opened;
  yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
}
