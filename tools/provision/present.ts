import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { preSharedKey } from '@loadline/sdk/platform';
import type { Reply } from '@loadline/sdk/provisioning';
import { ownTables, plain, withoutOwnFiles } from './checks.ts';
import { portsOf } from './hear.ts';
import { type FromCloud, type Order, siteOf } from './order.ts';
import { ProvisionFailure } from './outcome.ts';

/** Whether a gateway that is provisioned already is what is ordered. Each function throws ProvisionFailure where it is not. */

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

type Table = Readonly<Record<string, unknown>>;

/**
 * Compares what is in force with an order. What the order leaves to others is not compared: ports on which sensors were
 * heard, the cloud's host where a kit or a login says it.
 *
 * @param origin of the cloud that is asked
 */
export function checkPresent(order: Order, { configuration, present }: Reply<'read'>, origin: string): void {
  const found: string[] = [];
  const compare = (what: string, wanted: unknown, is: unknown) => {
    if (!isDeepStrictEqual(plain(wanted), plain(is))) found.push(what);
  };
  const { network, name, preSharedKey: key = null, proxyPassword = null } = present ?? {};
  const { wifi, ...wired } = order.network;
  const { wifi: wifiNow, ...wiredNow } = network ?? ({} as Partial<NonNullable<typeof network>>);
  compare('gateway.name', order.name, name);
  compare('network', wired, wiredNow);
  compare('network.wifi', wifi, wifiNow);
  compare("network.wifi's passphrase", keyOf(order), key);
  const { proxyPassword: password } = order.secrets;
  compare("uplink.proxy's password", password === null ? null : sha256(password), proxyPassword);
  compare('uplink', { ...order.uplink.rest, host: order.uplink.host }, uplinkOf(order, configuration));
  const { url } = { ...(configuration.enrolment as Table) };
  compare('cloud.url', order.cloudUrl ?? origin, url);
  if (order.ports !== undefined) compare('ports', order.ports, configuration.ports);
  const apart = new Set([...ownTables, 'uplink', 'ports']);
  for (const table of new Set([...Object.keys(order.tables), ...Object.keys(configuration)])) {
    if (!apart.has(table)) compare(table, order.tables[table], configuration[table]);
  }
  if (found.length > 0) throw differs(order, found.join(', '), 'or say --rewrite, which writes it anew');
}

/** SHA-256 of the key that a passphrase makes: IEEE 802.11i, H.4.1. Null for an open network. */
function keyOf({ network: { wifi }, secrets: { wifiPassphrase } }: Order): string | null {
  if (wifi === undefined || wifiPassphrase === null) return null;
  return sha256(preSharedKey(wifiPassphrase, wifi.ssid));
}

/** As much of the table as an order says: host and port of a cloud that it does not name come from elsewhere. */
function uplinkOf({ uplink: { host, rest } }: Order, configuration: Table): Table {
  const { host: hostNow, port, ...others } = withoutOwnFiles(configuration.uplink);
  const isNamed = host !== undefined || 'port' in rest;
  return { ...others, host: host === undefined ? undefined : hostNow, ...(isNamed && { port }) };
}

/** Of this many ports each choice is tried. */
const mostPorts = 10;

/**
 * Compares the digest of what is in force with that of the site that an order and a kit make; where the order leaves the
 * ports open, with those of each choice of the board's.
 */
export function checkDigest(
  order: Order,
  from: FromCloud,
  { inForce, ports }: Pick<Reply<'describe'>, 'inForce' | 'ports'>,
): void {
  const paths = ports.map(({ path }) => path).sort();
  const choices =
    order.ports === undefined ? choicesOf(paths.slice(0, mostPorts)).map(portsOf) : [order.ports];
  const isIt = choices.some((some) => sha256(JSON.stringify(siteOf(order, some, from))) === inForce?.site);
  if (isIt) return;
  throw differs(
    order,
    'its digest is not that of this site file and kit',
    'say --rewrite, with a kit prepared anew or with a login: the voucher of a kit is good once',
  );
}

function choicesOf(paths: readonly string[]): string[][] {
  const all: string[][] = [[]];
  for (const path of paths) all.push(...all.map((some) => [...some, path]));
  return all;
}

function differs({ gatewayId }: Order, what: string, act: string): ProvisionFailure {
  return new ProvisionFailure(
    'failed',
    `it is ${gatewayId} already, and not as ordered: ${what}; nothing was changed`,
    `correct the site file; ${act}`,
  );
}
