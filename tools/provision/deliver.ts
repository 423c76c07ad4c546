import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudError } from '@loadline/sdk/client';
import { Command } from 'commander';
import { withCloud } from '../cloud/connection.ts';
import { attempt } from '../cloud/outcome.ts';
import { fieldCloud } from './field-cloud.ts';
import { keepRecord, readKept, readRecord, recordsFolder } from './record.ts';

/** `loadline provision deliver`: what was signed without a network comes to the cloud later. */
export function deliverCommand(): Command {
  return new Command('deliver')
    .description('give records of provisionings that were kept here to the cloud')
    .argument('[records...]', 'their files; default: all that the cloud does not have yet')
    .option('--json', 'a line of JSON a record', false)
    .addHelpText(
      'after',
      `
The cloud checks a record by the gateway's certificate: one of a gateway that was staged is taken once it has enrolled.
Exit codes: 0 all are there, 1 some were refused, 2 called wrongly, 3 the cloud cannot be reached, or nobody is logged in.`,
    )
    .action((files: string[], flags: { json: boolean }) =>
      attempt('provision deliver', () => deliver(files, flags)),
    );
}

async function deliver(said: readonly string[], { json }: { readonly json: boolean }): Promise<void> {
  const all = said.length > 0 ? said : await waiting();
  const tell = (file: string, kept: boolean, says: string) => {
    if (json) process.stdout.write(`${JSON.stringify({ file, kept, says })}\n`);
    else process.stdout.write(`${kept ? '✓' : '✗'} ${file}: ${says}\n`);
  };
  if (all.length === 0 && !json) process.stderr.write('no record waits here\n');
  if (all.length === 0) return;
  await withCloud(async (client) => {
    const cloud = await fieldCloud(client);
    for (const file of all) {
      const { record, signature } = await readKept(file);
      const { gatewayId, organisation } = readRecord(record, file);
      try {
        await cloud.keep(organisation, gatewayId, { record, signature });
        await keepRecord(file, { record, signature, kept: true });
        tell(file, true, `the cloud has the record of ${gatewayId}`);
      } catch (error) {
        if (!(error instanceof CloudError)) throw error;
        process.exitCode = 1;
        tell(file, false, `${error.message} (${error.code})`);
      }
    }
  });
}

/** Files of the records that the cloud does not have yet. */
async function waiting(): Promise<string[]> {
  const folder = recordsFolder(process.env);
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((name) => name.endsWith('.json')).map((name) => join(folder, name));
  const kept = await Promise.all(files.map(async (file) => (await readKept(file)).kept));
  return files.filter((_, index) => !kept[index]);
}
