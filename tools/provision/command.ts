import { Command } from 'commander';
import { CalledWrongly } from '../cloud/outcome.ts';
import { canAsk } from '../cloud/prompts.ts';
import { ownVersion } from '../version.ts';
import { askName, askOrganisation, askSite, type Named } from './ask.ts';
import { deliverCommand } from './deliver.ts';
import type { Report, ResultEvent } from './events.ts';
import { type FieldCloud, organisationIn, scopesNeeded } from './field-cloud.ts';
import { readSite } from './files.ts';
import { closeAll, type FoundGateway, findAll } from './find.ts';
import { readKit } from './kit.ts';
import { labelCommand } from './label-command.ts';
import type { Order } from './order.ts';
import { outcomes } from './outcome.ts';
import { planOf } from './plan.ts';
import { prepareCommand } from './prepare.ts';
import { type Parts, Provisioning, type Source } from './provision.ts';
import { recordPath } from './record.ts';
import { resetCommand } from './reset.ts';
import { attempt, type LineFlags, lineOptions, online, reportFor, withGateway } from './run.ts';

interface Flags extends LineFlags {
  readonly config?: string;
  readonly kit?: string;
  readonly organisation?: string;
  readonly record?: string;
  readonly replace: boolean;
  readonly discardUndelivered: boolean;
  readonly rewrite: boolean;
}

const codes = Object.entries(outcomes).map(([name, { code }]) => `${code} ${name}`);

const help = `
What it does, each step told as it goes on: asks on the serial ports which gateways are there; has the cloud make a voucher,
by which the gateway takes its owner; lets you choose its sensors from those it hears; has the gateway make its own
key and the cloud certify that; writes the site, reads it back, puts it in force; waits until a reading was acknowledged;
and keeps the record, signed by the gateway, at the cloud. Any cut leaves the gateway unprovisioned or provisioned: run
it again, and it takes up what is there.

  loadline provision find                              which gateways are connected here
  loadline provision                                   asks for everything
  loadline provision --config site.toml --json         asks for nothing; a line of JSON an event, the last is the result
  loadline provision prepare --serial … --id … --out kit.json      for a place without a network: a kit, taken along
  loadline provision --config site.toml --kit kit.json             … and used there: the result is staged
  loadline provision deliver                           gives records that were kept here to the cloud
  loadline provision label --device mast-7             what to stick on it
  loadline provision reset                             a gateway that is nobody's any more

Before: loadline login, or LOADLINE_URL and LOADLINE_TOKEN. What that must be allowed to do:
${Object.entries(scopesNeeded)
  .map(([scope, why]) => `  ${scope.padEnd(22)} ${why}`)
  .join('\n')}

No secret is an argument: a Wi-Fi passphrase and a proxy's password are asked for, or stand in files that the site file names.
Exit codes: ${codes.join(', ')}.
All of it, with the site file's every key: docs/provisioning.md`;

/** `loadline provision`. */
export function provisionCommand(): Command {
  const command = lineOptions(
    new Command('provision').description(
      'make a gateway out of a board that is connected by its console or USB-gadget port',
    ),
  )
    .option('--config <site.toml>', 'what it is to become; nothing is asked then')
    .option('--kit <kit.json>', 'of loadline provision prepare: no cloud is asked')
    .option(
      '--organisation <id>',
      'the owner; default: the site file says, the only one there is, or a question',
    )
    .option(
      '--record <file>',
      'where the signed record is put; default: beside the session of loadline login',
    )
    .option('--replace', 'this board takes the place of another one with that id', false)
    .option('--discard-undelivered', 'lose what it still holds for its owner before', false)
    .option('--rewrite', 'write it anew, also where it is what it is to become', false)
    .addHelpText('after', help)
    .action((flags: Flags) => attempt(flags, (report) => provision(flags, report)));
  for (const one of [findCommand(), prepareCommand(), deliverCommand(), labelCommand(), resetCommand()]) {
    command.addCommand(one);
  }
  return command;
}

async function provision(flags: Flags, report: Report): Promise<ResultEvent> {
  const order = flags.config === undefined ? undefined : changed(await readSite(flags.config), flags);
  if (order === undefined && (flags.json || !canAsk())) {
    throw new CalledWrongly('there is no terminal to ask at, or --json is said: --config names a site file');
  }
  if (flags.kit !== undefined) {
    if (order === undefined)
      throw new CalledWrongly('--kit is used with --config: it asks no cloud, and so nobody');
    const kit = await readKit(flags.kit);
    return await withGateway(
      flags,
      report,
      async ({ line, description }) => {
        const boards = kit.boards.filter(({ serialNumber }) => serialNumber === description.serialNumber);
        const [board] = boards;
        const meant = board === undefined || board.gatewayId === order.gatewayId;
        if (!meant) {
          throw new CalledWrongly(
            `the kit has ${description.serialNumber} as ${board.gatewayId}, and the site file as ${order.gatewayId}`,
          );
        }
        const parts = partsOf(flags, report, line, { way: 'kit', kit });
        return await new Provisioning(parts, description).run(order, flags.rewrite);
      },
      order.serialNumber,
    );
  }
  return await online(async (cloud) =>
    withGateway(
      flags,
      report,
      async (gateway) =>
        order === undefined
          ? await interactive(flags, report, cloud, gateway)
          : await unattended(flags, report, cloud, gateway, order),
      order?.serialNumber,
    ),
  );
}

async function unattended(
  flags: Flags,
  report: Report,
  cloud: FieldCloud,
  { line, description }: FoundGateway,
  order: Order,
): Promise<ResultEvent> {
  const organisation = organisationIn(cloud, order.organisation);
  if (organisation === undefined) {
    const ids = cloud.organisations.map(({ id }) => id).join(', ');
    throw new CalledWrongly(
      `you are in several organisations: the site file, or --organisation, says which, ${ids}`,
    );
  }
  const source = { way: 'online', cloud, organisation: organisation.id } as const;
  return await new Provisioning(partsOf(flags, report, line, source), description).run(order, flags.rewrite);
}

async function interactive(
  flags: Flags,
  report: Report,
  cloud: FieldCloud,
  { line, description }: FoundGateway,
): Promise<ResultEvent> {
  const organisation = organisationIn(cloud, flags.organisation) ?? (await askOrganisation(cloud));
  const named = await askName(cloud, organisation.id, description);
  const source = { way: 'online', cloud, organisation: organisation.id } as const;
  const provisioning = new Provisioning(partsOf(flags, report, line, source), description);
  const standing = {
    description,
    organisation: organisation.id,
    way: 'online',
    rewrite: named.rewrite,
    asked: 'id',
  } as const;
  const rest = { serialNumber: undefined, ports: [] };
  if (planOf({ ...standing, order: { ...named, ...rest } }).kind === 'resume') {
    return await provisioning.run(orderOfName(named), false, 'id');
  }
  try {
    await provisioning.own(named.discardUndelivered);
  } catch (error) {
    return provisioning.failure(error);
  }
  return await provisioning.run(await askSite(line, cloud, description, named), named.rewrite);
}

/** An order for a gateway that has its site already. */
function orderOfName({ rewrite: _, ...named }: Named): Order {
  return {
    ...named,
    organisation: undefined,
    serialNumber: undefined,
    cloudUrl: undefined,
    network: { addresses: { by: 'dhcp' }, ntp: [] },
    uplink: { host: undefined, rest: {} },
    ports: [],
    tables: {},
    listenSeconds: 60,
    trialSeconds: 180,
    secrets: { wifiPassphrase: null, proxyPassword: null },
  };
}

/** What the command line says goes over what the file says. */
function changed(order: Order, { organisation, replace, discardUndelivered }: Flags): Order {
  return {
    ...order,
    organisation: organisation ?? order.organisation,
    replace: replace || order.replace,
    discardUndelivered: discardUndelivered || order.discardUndelivered,
  };
}

function partsOf(flags: Flags, report: Report, line: FoundGateway['line'], source: Source): Parts {
  return {
    line,
    source,
    report,
    now: () => Date.now(),
    tool: `loadline ${ownVersion()}`,
    recordPath: (record) => flags.record ?? recordPath(process.env, record),
  };
}

function findCommand(): Command {
  return lineOptions(
    new Command('find').description('ask on every serial port which gateway is there, and change nothing'),
  ).action(async (flags: LineFlags) => {
    const { port: ports, baud, wait } = flags;
    const report = reportFor(flags);
    const found = await findAll({ ports, baud, patience: wait * 1000 }, report);
    await closeAll(found);
    if (found.some(({ kind }) => kind === 'gateway')) return;
    if (found.length === 0) report({ event: 'note', says: 'this machine has no serial port' });
    process.exitCode = outcomes.failed.code;
  });
}
