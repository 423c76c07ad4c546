import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { exportTypes } from '@loadline/sdk/api';
import { Command, Option } from 'commander';
import { withCloud } from './connection.ts';
import { organisationOf } from './organisation.ts';
import { attempt } from './outcome.ts';
import { organisationOption } from './resource.ts';

interface Options {
  readonly form: keyof typeof exportTypes;
  readonly out?: string;
  readonly organisation?: string;
}

/** `loadline series export`: every reading of a series between two times, as a file. */
export function exportCommand(): Command {
  return new Command('export')
    .description('Export every reading of a series between two times')
    .argument('<device>')
    .argument(
      '<series>',
      'a tag and its aspect, as in 25DF or 25DF.mean, or the name that its device gives it',
    )
    .argument('<from>', 'ISO 8601, as in 2026-11-22T00:00:00Z')
    .argument('<to>')
    .addOption(
      new Option('--form <form>', 'form of the file').choices(Object.keys(exportTypes)).default('csv'),
    )
    .option('--out <file>', 'into this file, which must not be there; otherwise to standard output')
    .addOption(organisationOption())
    .action(async (device: string, series: string, from: string, to: string, options: Options) => {
      await attempt('series export', () =>
        withCloud(async (cloud) => {
          const { form, out } = options;
          const organisation = await organisationOf(cloud, options.organisation);
          const bytes = await cloud.exportReadings({
            organisation,
            device,
            series,
            query: { from, to, form },
          });
          const target =
            out === undefined ? process.stdout : createWriteStream(out, { flags: 'wx', mode: 0o600 });
          // Standard output stays open for what comes after.
          await pipeline(Readable.from(bytes), target, { end: out !== undefined });
        }),
      );
    });
}
