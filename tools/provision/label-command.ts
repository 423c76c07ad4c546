import { writeFile } from 'node:fs/promises';
import { CloudError, type OrganisationClient } from '@loadline/sdk/client';
import { Command, Option } from 'commander';
import { originOf, withCloud } from '../cloud/connection.ts';
import { attempt, CalledWrongly } from '../cloud/outcome.ts';
import { readSession, sessionPath } from '../cloud/session-file.ts';
import { fieldCloud, organisationIn } from './field-cloud.ts';
import { type LabelContent, labelForTerminal, labelPng, labelSvg, labelText } from './label.ts';
import { readKept, readRecord } from './record.ts';

interface Flags {
  readonly device?: string;
  readonly from?: string;
  readonly organisation?: string;
  readonly url?: string;
  readonly format: 'text' | 'svg' | 'png';
  readonly out?: string;
}

/** `loadline provision label`: what to stick on a gateway. */
export function labelCommand(): Command {
  return new Command('label')
    .description(
      'make the label of a gateway: a QR code that leads to it in the cloud, and text; no secret is on it',
    )
    .option('--device <id>', 'a gateway, as the cloud knows it')
    .option('--from <record>', 'the record of its provisioning: no cloud is asked')
    .option('--organisation <id>', 'its owner, of somebody who is in several; with --device')
    .option('--url <address>', 'of the cloud; with --from; default: the one that was logged in to last')
    .addOption(
      new Option('--format <form>', 'svg is the whole label, 90 x 36 mm; png the code alone')
        .choices(['text', 'svg', 'png'])
        .default('text'),
    )
    .option('--out <file>', 'where it is written; default: standard output')
    .action((flags: Flags) =>
      attempt('provision label', async () => {
        const label = await contentOf(flags);
        const isShown = process.stdout.isTTY && flags.out === undefined && flags.format === 'text';
        const made = await (isShown ? labelForTerminal : forms[flags.format])(label);
        if (flags.out !== undefined) await writeFile(flags.out, made);
        else if (flags.format === 'png' && process.stdout.isTTY)
          throw new CalledWrongly('--out says where the PNG goes');
        else process.stdout.write(made);
      }),
    );
}

const forms: Readonly<Record<Flags['format'], (label: LabelContent) => Promise<string | Buffer>>> = {
  text: labelText,
  svg: labelSvg,
  png: labelPng,
};

async function contentOf(flags: Flags): Promise<LabelContent> {
  if ((flags.device === undefined) === (flags.from === undefined)) {
    throw new CalledWrongly('--device or --from says of which gateway');
  }
  return flags.from === undefined
    ? await ofDevice(flags.device as string, flags)
    : await ofRecord(flags.from, flags);
}

async function ofRecord(path: string, { url }: Flags): Promise<LabelContent> {
  const said = url ?? process.env.LOADLINE_URL;
  const cloud = said ? originOf(said) : (await readSession(sessionPath(process.env)))?.url;
  if (cloud === undefined) throw new CalledWrongly('--url says at which cloud the gateway is');
  const { gatewayId, serialNumber, organisation } = readRecord((await readKept(path)).record, path);
  return {
    gatewayId,
    name: gatewayId,
    serialNumber,
    organisation: { id: organisation, name: organisation },
    cloud,
  };
}

async function ofDevice(device: string, flags: Flags): Promise<LabelContent> {
  const { promise, resolve } = Promise.withResolvers<LabelContent>();
  await withCloud(async (client) => {
    const cloud = await fieldCloud(client);
    const organisation = organisationIn(cloud, flags.organisation);
    if (organisation === undefined)
      throw new CalledWrongly('you are in several organisations: --organisation says which');
    const within = client.organisation(organisation.id);
    const { id, name } = await within.getDevice({ device });
    const serialNumber = await serialNumberOf(within, id);
    resolve({ gatewayId: id, name, serialNumber, organisation, cloud: cloud.origin });
  });
  return await promise;
}

/** The board of a gateway; null where nobody knows, or where that may not be asked: it stands on the board itself. */
async function serialNumberOf(within: OrganisationClient, id: string): Promise<string | null> {
  try {
    for await (const unit of within.each('listUnits')) if (unit.device === id) return unit.id;
    return null;
  } catch (error) {
    if (error instanceof CloudError && error.code === 'forbidden') return null;
    throw error;
  }
}
