import { X509Certificate } from 'node:crypto';
import { access, constants } from 'node:fs/promises';
import { request } from 'node:https';
import { dirname, resolve } from 'node:path';
import { rootCertificates } from 'node:tls';
import { isGatewayId, limits } from '@loadline/sdk/contract';
import { caCertificates } from '@loadline/sdk/identity';
import type { ProvisioningKit } from '@loadline/sdk/provisioning';
import { Command, InvalidArgumentError } from 'commander';
import { authorityOf, withCloud } from '../cloud/connection.ts';
import { attempt, CalledWrongly } from '../cloud/outcome.ts';
import { fieldCloud, organisationIn } from './field-cloud.ts';
import { textOf } from './files.ts';
import { isSerialNumber, makeKit, parseBoards, type WantedBoard, writeKit } from './kit.ts';

interface Flags {
  readonly serial?: string;
  readonly id?: string;
  readonly name?: string;
  readonly boards?: string;
  readonly organisation?: string;
  readonly uplinkHost?: string;
  readonly uplinkPort: number;
  readonly out: string;
  readonly json: boolean;
}

/** Milliseconds that asking for the authorities may take. */
const patience = 20_000;

/** `loadline provision prepare`: a kit for places without a network. */
export function prepareCommand(): Command {
  return new Command('prepare')
    .description(
      'make a kit for boards in a place without a network: vouchers, and one-time enrolment secrets',
    )
    .option('--serial <number>', 'serial number of the board, as its label says it')
    .option('--id <id>', 'what the gateway on it is to be called; with --serial')
    .option('--name <name>', 'what people call it; with --serial')
    .option('--boards <file>', 'of several: a line each, serial number, id, name')
    .option('--organisation <id>', 'the owner; default: the only one there is')
    .option(
      '--uplink-host <host>',
      "the cloud's host name for gateways; default: the one of the address logged in to",
    )
    .option('--uplink-port <port>', 'its port, MQTT over TLS', portNumber, 8883)
    .requiredOption('--out <kit.json>', 'where the kit is put, for its owner alone')
    .option('--json', 'one line of JSON', false)
    .addHelpText(
      'after',
      `
Needed besides what provisioning needs: device.enrol, for a gateway that was taken in before. The gateway is taken in, and
the board is the organisation's from now on.

The kit holds no key, neither to issue certificates nor of a gateway. It is a secret all the same: until it expires, who
has it can enrol as its gateways, once each. Then: loadline provision --config site.toml --kit kit.json
Exit codes: 0 done, 1 refused by the cloud, 2 called wrongly, 3 not reachable or not logged in.`,
    )
    .action((flags: Flags) => attempt('provision prepare', () => prepare(flags)));
}

async function prepare(flags: Flags): Promise<void> {
  const boards = await boardsOf(flags);
  // Before anything is asked for: what the cloud gives once would be lost.
  await access(dirname(resolve(flags.out)), constants.W_OK).catch((error: Error) => {
    throw new CalledWrongly(`--out: the kit cannot be put there: ${error.message}`);
  });
  await withCloud(async (client) => {
    const cloud = await fieldCloud(client);
    const organisation = organisationIn(cloud, flags.organisation);
    if (organisation === undefined)
      throw new CalledWrongly('you are in several organisations: --organisation says which');
    const kit = await makeKit(cloud, {
      organisation: organisation.id,
      boards,
      authority: await rootsOf(cloud.origin),
      uplink: { host: flags.uplinkHost ?? new URL(cloud.origin).hostname, port: flags.uplinkPort },
      now: Date.now(),
      lifetime: limits.enrolmentSecretMilliseconds,
    });
    await writeKit(flags.out, kit);
    show(kit, flags);
  });
}

async function boardsOf({ serial, id, name, boards }: Flags): Promise<WantedBoard[]> {
  if ((serial === undefined) === (boards === undefined))
    throw new CalledWrongly('--serial or --boards says for which boards');
  if (boards !== undefined) return parseBoards(await textOf(boards, 'the file of the boards'), boards);
  if (id === undefined) throw new CalledWrongly('--id says what the gateway is to be called');
  if (!isSerialNumber(serial as string)) throw new CalledWrongly(`--serial: ${serial} is no serial number`);
  if (!isGatewayId(id))
    throw new CalledWrongly(`--id: ${id} is no id: 1 to 64 of a-z, 0-9 and inner hyphens`);
  return [{ serialNumber: serial as string, gatewayId: id, name: name ?? id }];
}

/** The roots that gateways are to trust, as the cloud tells them over a connection that is believed. */
async function rootsOf(url: string): Promise<string> {
  const authorityPem = (await authorityOf(url)) ?? rootCertificates.join('\n');
  const all = await caCertificates({
    url,
    authorityPem,
    request,
    signal: AbortSignal.timeout(patience),
  });
  const roots = all.filter((pem) => {
    const certificate = new X509Certificate(pem);
    return certificate.checkIssued(certificate);
  });
  if (roots.length === 0) throw new CalledWrongly(`${url} tells no root that gateways could trust`);
  return roots.map((pem) => `${pem.trim()}\n`).join('');
}

function show(kit: ProvisioningKit, { out, json }: Flags): void {
  const { organisation, expires, boards } = kit;
  const gateways = boards.map(({ serialNumber, gatewayId, name }) => ({ serialNumber, gatewayId, name }));
  if (json) {
    process.stdout.write(`${JSON.stringify({ kit: out, organisation, expires, boards: gateways })}\n`);
    return;
  }
  for (const { serialNumber, gatewayId, name } of gateways) {
    process.stdout.write(`${serialNumber}  ${gatewayId}  ${name}\n`);
  }
  process.stderr.write(
    `${out}: good until ${expires}, for ${boards.length} boards of ${organisation}. Until then who has it can enrol as them.\n`,
  );
}

function portNumber(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new InvalidArgumentError('It must be a port, 1 to 65535.');
}
