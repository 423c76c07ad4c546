import { isGatewayId } from '@loadline/sdk/contract';
import type { Reply } from '@loadline/sdk/provisioning';
import { printable } from '../cloud/columns.ts';
import { CalledWrongly } from '../cloud/outcome.ts';
import { askChoice, askSecret, askSure, askText } from '../cloud/prompts.ts';
import type { FieldCloud, Organisation } from './field-cloud.ts';
import { portsOf } from './hear.ts';
import type { GatewayLine } from './line.ts';
import { pickSensors } from './live.ts';
import type { Order } from './order.ts';
import { type HeardTag, signalText } from './signal.ts';

/** What a technician says of a gateway before it hears anything. */
export interface Named {
  readonly gatewayId: string;
  readonly name: string;
  readonly where: string;
  readonly replace: boolean;
  readonly discardUndelivered: boolean;
  readonly rewrite: boolean;
}

const tell = (text: string) => void process.stderr.write(`${text.split('\n').map(printable).join('\n')}\n`);

/** Which organisation the gateway is to be of. */
export async function askOrganisation({ organisations }: FieldCloud): Promise<Organisation> {
  const id = await askChoice(
    'Which organisation is it to be of?',
    organisations.map(({ id: value, name }) => ({
      value,
      label: name === value ? name : `${name} (${value})`,
    })),
  );
  return organisations.find((one) => one.id === id) as Organisation;
}

/** Who it is to be, and where it is. */
export async function askName(
  cloud: FieldCloud,
  organisation: string,
  description: Reply<'describe'>,
): Promise<Named> {
  const { gateway, serialNumber, state } = description;
  const own = gateway?.organisation === organisation ? gateway.id : undefined;
  if (own !== undefined && state === 'provisioned' && (await isKept(own)))
    return { gatewayId: own, name: own, where: await askPlace(), ...nothingSpecial };
  const gatewayId = await askId(own ?? proposed(serialNumber));
  const known = await cloud.known(organisation, gatewayId);
  const isOther = known?.reported === true && gateway?.id !== gatewayId;
  if (isOther) await askSure(`${gatewayId} is at work on another board. Does this board take its place?`);
  const isLeft = gateway !== null && (gateway.id !== gatewayId || gateway.organisation !== organisation);
  const loses = isLeft && description.undelivered > 0;
  if (loses) {
    await askSure(
      `It holds ${description.undelivered} readings of ${gateway.id} of ${gateway.organisation} that were not delivered. Lose them?`,
    );
  }
  const name = await askText('What do people call it?', gatewayId);
  const where = await askPlace();
  return { gatewayId, name, where, replace: isOther, discardUndelivered: loses, rewrite: own === gatewayId };
}

const nothingSpecial = { replace: false, discardUndelivered: false, rewrite: false };

const askPlace = () => askText('Where is it? A place, coordinates; it stands in the record');

async function isKept(id: string): Promise<boolean> {
  const choice = await askChoice(`It is ${id} already.`, [
    { value: 'keep', label: 'Do what was left: see a reading through, and keep the record' },
    { value: 'anew', label: 'Write it anew: other sensors, another network, another id' },
  ]);
  return choice === 'keep';
}

async function askId(initial: string): Promise<string> {
  for (;;) {
    const id = await askText('Its id: a-z, 0-9 and inner hyphens; it never changes', initial);
    if (isGatewayId(id)) return id;
    tell(`${id} is no id: 1 to 64 of a-z, 0-9 and inner hyphens`);
  }
}

/** An id that a serial number makes. */
function proposed(serialNumber: string): string {
  const id = `gw-${serialNumber}`
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .slice(0, 64);
  return id.replace(/^-+|-+$/g, '');
}

/** Sensors, network and uplink: what there is left to say of it, with what it hears. */
export async function askSite(
  line: GatewayLine,
  cloud: FieldCloud,
  description: Reply<'describe'>,
  named: Named,
): Promise<Order> {
  const picked = await pickSensors(line);
  const sensors: Record<string, unknown>[] = [];
  for (const tag of picked) sensors.push(await askSensor(tag, sensors));
  const paths = [...new Set(picked.map(({ port }) => port))].sort();
  const network = await askNetwork(description);
  const uplink = await askUplink(cloud);
  const { rewrite: _, ...name } = named;
  const order: Order = {
    ...name,
    organisation: undefined,
    serialNumber: description.serialNumber,
    cloudUrl: undefined,
    network: network.network,
    uplink: { host: uplink.host, rest: uplink.rest },
    ports: portsOf(paths.length > 0 ? paths : await askPorts(description)),
    tables: { sensors },
    listenSeconds: 60,
    trialSeconds: 180,
    secrets: { wifiPassphrase: network.passphrase, proxyPassword: uplink.password },
  };
  tell(summary(order, cloud));
  await askSure('Write this to the gateway?');
  return order;
}

async function askPorts({ ports }: Reply<'describe'>): Promise<string[]> {
  const [only] = ports;
  if (only === undefined)
    throw new CalledWrongly('the gateway has no port for a radio: connect the base station');
  if (ports.length === 1) return [only.path];
  return [
    await askChoice(
      'Nothing was picked. Where is the base station?',
      ports.map(({ path, holder }) => ({
        value: path,
        label: holder === null ? path : `${path}: ${holder}`,
      })),
    ),
  ];
}

async function askSensor(tag: HeardTag, before: readonly Record<string, unknown>[]) {
  const what = `${tag.tag} = ${tag.value}, signal ${signalText(tag)}${tag.lowBattery ? ', battery LOW' : ''}`;
  for (;;) {
    const name = await askText(`What does ${what} measure?`);
    if (before.some((one) => one.name === name)) tell(`there is a sensor ${name} already`);
    else return { tag: tag.tag, name, unit: await askUnit() };
  }
}

/** Text may be empty: a count has no unit. */
async function askUnit(): Promise<string> {
  const unit = await askText('In which unit? - for none', '-');
  return unit === '-' ? '' : unit;
}

async function askNetwork({ interfaces }: Reply<'describe'>): Promise<{
  readonly network: Order['network'];
  readonly passphrase: string | null;
}> {
  const shown = interfaces.map(
    ({ name, addresses }) => `${name} ${addresses.join(' ') || 'without an address'}`,
  );
  const kind = await askChoice(`Which network? It has ${shown.join('; ') || 'no interface'}`, [
    { value: 'wired', label: 'Cable' },
    { value: 'wireless', label: 'Wi-Fi' },
  ]);
  const by = await askChoice('How does it come by its address?', [
    { value: 'dhcp', label: 'DHCP: the network gives it one' },
    { value: 'static', label: 'Static: I say it' },
  ]);
  const addresses: Order['network']['addresses'] =
    by === 'dhcp'
      ? { by: 'dhcp' }
      : {
          by: 'static',
          address: await askText('Address, with the length of its prefix, such as 192.0.2.10/24'),
          gateway: await askText('Gateway of that network'),
          dns: (await askText('Name servers, with commas between them')).split(/[\s,]+/),
        };
  if (kind === 'wired') return { network: { addresses, ntp: [] }, passphrase: null };
  const ssid = await askText('Name of the wireless network (SSID)');
  const country = (await askText('Country, two letters: which channels are allowed')).toUpperCase();
  const open = await askChoice('Does it ask for a passphrase?', [
    { value: 'yes', label: 'Yes' },
    { value: 'no', label: 'No: it is open' },
  ]);
  return {
    network: { addresses, ntp: [], wifi: { ssid, country } },
    passphrase: open === 'yes' ? await askSecret('Passphrase') : null,
  };
}

async function askUplink({ origin }: FieldCloud): Promise<{
  readonly host: string;
  readonly rest: Readonly<Record<string, unknown>>;
  readonly password: string | null;
}> {
  const host = await askText("The cloud's host name for the gateway", new URL(origin).hostname);
  const port = Number(await askText('Its port (MQTT over TLS)', '8883'));
  const way = await askChoice('Does the way there lead through a proxy?', [
    { value: 'no', label: 'No' },
    { value: 'yes', label: 'Yes' },
  ]);
  if (way === 'no') return { host, rest: { port }, password: null };
  const url = await askText('Proxy: http://host:port or socks5://host:port');
  const user = await askText('User name at the proxy; - for none', '-');
  if (user === '-') return { host, rest: { port, proxy: { url } }, password: null };
  return { host, rest: { port, proxy: { url, user } }, password: await askSecret('Password at the proxy') };
}

/** What is about to be written, for who is to say yes. */
function summary(order: Order, { origin }: FieldCloud): string {
  const { sensors } = order.tables as { readonly sensors: readonly Record<string, unknown>[] };
  const { addresses, wifi } = order.network;
  const address = addresses.by === 'dhcp' ? 'DHCP' : `${addresses.address} by ${addresses.gateway}`;
  return [
    '',
    `  ${order.gatewayId} (${order.name}), ${order.where}`,
    `  board ${order.serialNumber}`,
    `  cloud ${origin}, uplink ${order.uplink.host}:${order.uplink.rest.port}`,
    `  network ${wifi === undefined ? 'cable' : `Wi-Fi ${wifi.ssid}`}, ${address}`,
    ...(order.ports ?? []).map(({ name, path }) => `  port ${name}: ${path}`),
    ...sensors.map(({ tag, name, unit }) => `  sensor ${tag}: ${name}${unit === '' ? '' : `, ${unit}`}`),
    '',
  ].join('\n');
}
