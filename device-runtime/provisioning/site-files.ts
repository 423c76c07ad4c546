import { createHash, createPrivateKey, createPublicKey, type X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { type Site, siteBytes, site as siteSchema } from '@loadline/sdk/provisioning';
import { ConfigError, keyName, tomlText } from '@loadline/sdk/toml';
import { chainFault, type JudgedAt } from '@loadline/sdk/trust';
import type * as z from 'zod';
import { parseConfig, siteTables } from '../config/index.ts';
import { optionsFaults } from '../desired-check.ts';
import { type KeptNetwork, keptNetwork, networkFaults } from './network.ts';
import { Refused } from './refused.ts';
import type { Owner } from './session.ts';
import { certificatesIn } from './voucher.ts';

/** A file of a site, by its name in the site's folder. */
export interface SiteFile {
  readonly name: string;
  readonly content: string;
  readonly mode: 0o600 | 0o644;
}

/** A site that can be put into force. */
export interface CheckedSite {
  readonly site: Site;
  /** SHA-256 of the text, hex. */
  readonly digest: string;
  readonly files: readonly SiteFile[];
  readonly network: KeptNetwork;
  /** SHA-256 of each secret, by the path of its member in the site. */
  readonly secrets: Readonly<Record<string, string>>;
}

export interface Checking {
  readonly owner: Owner;
  /** The gateway id that a key was made for, and the key, PEM. */
  readonly keyOf: string;
  readonly privateKeyPem: string;
  /** The authorities that this gateway was built to trust, PEM. */
  readonly makerPem: string;
  readonly time: JudgedAt;
  /** The folder that the files are to be in: paths of the configuration are taken from there. */
  readonly folder: string;
}

export const names = {
  configuration: 'gateway.toml',
  authority: 'authority.pem',
  network: 'network.json',
  secret: 'enrolment.secret',
  proxyPassword: 'proxy.password',
  state: 'state',
  key: 'state/gateway.key',
  chain: 'state/gateway.crt',
} as const;

/** Faults told at once, of many. */
const mostFaults = 20;

interface Fault {
  /** As one would name it: `configuration.ports[1].path`. */
  readonly key: string;
  readonly message: string;
}

/**
 * Checks a site whole, and makes its files. Pure.
 *
 * @param text JSON as it was written
 * @throws Refused `site-invalid` naming each wrong key, `key-missing`, `chain-refused`
 */
export function checkSite(text: string, checking: Checking): CheckedSite {
  const bytes = Buffer.byteLength(text);
  if (bytes > siteBytes)
    invalid([{ key: '', message: `it has ${bytes} bytes, and ${siteBytes} are accepted` }]);
  const site = read(text);
  const { owner, keyOf, folder } = checking;
  if (site.gatewayId !== keyOf) {
    throw new Refused(
      'key-missing',
      `the site is for ${site.gatewayId}, and the key that was asked for is ${keyOf}'s: ask for a key for ${site.gatewayId}`,
    );
  }
  const authority = vouchedRoots(site, checking);
  const rendered = render(site);
  const configFaults = configurationFaults(site, rendered, folder);
  const faults = [
    ...(site.organisation === owner.organisation
      ? []
      : [{ key: 'organisation', message: `must be ${owner.organisation}, which the voucher names` }]),
    ...(typeof authority === 'string' ? [] : [authority]),
    ...enrolmentFaults(site),
    ...networkFaults(site.network),
    ...proxyFaults(site),
    ...configFaults,
  ];
  if (faults.length > 0) invalid(faults);
  const trusted = { ...site, authority: authority as string };
  checkChain(trusted, checking);
  const network = keptNetwork(site.network);
  return {
    site,
    digest: sha256(text),
    network,
    files: filesOf(trusted, rendered as string, network),
    secrets: Object.fromEntries(secretsOf(site).map(([path, secret]) => [path, sha256(secret)])),
  };
}

function read(text: string): Site {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    // Not the parser's own words: they quote the text, and a secret may be in it.
    throw new Refused('site-invalid', 'the site is not JSON', { cause });
  }
  const { data, error } = siteSchema.safeParse(json);
  return error ? invalid(error.issues.map(faultOf)) : data;
}

function faultOf({ path, message }: z.core.$ZodIssue): Fault {
  return { key: keyName(path.map((part) => (typeof part === 'number' ? part : String(part)))), message };
}

function invalid(faults: readonly Fault[]): never {
  const told = faults.slice(0, mostFaults).map(({ key, message }) => `${key} ${message}`.trim());
  const more = faults.length > mostFaults ? [`and ${faults.length - mostFaults} more`] : [];
  throw new Refused('site-invalid', ['the site cannot be used', ...told, ...more].join('\n'));
}

/** The configuration file of a site: its tables, and what the gateway itself says. A fault where TOML cannot say it. */
function render({ configuration, gatewayId, enrolment, chain, proxyPassword }: Site): string | Fault {
  const uplink = isTable(configuration.uplink) ? configuration.uplink : {};
  const { proxy } = uplink;
  const document = {
    gateway: { id: gatewayId, state: names.state },
    ...configuration,
    uplink: {
      ...uplink,
      authority: names.authority,
      ...(isTable(proxy) &&
        proxyPassword !== null && { proxy: { ...proxy, password_file: names.proxyPassword } }),
    },
    enrolment: { url: enrolment.url, ...(chain === null && { secret_file: names.secret }) },
  };
  try {
    return tomlText(document);
  } catch (error) {
    return { key: 'configuration', message: `has a value that TOML cannot say: ${(error as Error).message}` };
  }
}

function configurationFaults({ configuration }: Site, rendered: string | Fault, folder: string): Fault[] {
  const at = (key: string) => (key === '' ? 'configuration' : `configuration.${key}`);
  const own = "is only for the gateway's own file to say";
  const { uplink } = configuration;
  const foreign = [
    ...Object.keys(configuration).filter((table) => !(table in siteTables)),
    ...(isTable(uplink) && 'authority' in uplink ? ['uplink.authority'] : []),
    ...(isTable(uplink) && isTable(uplink.proxy) && 'password_file' in uplink.proxy
      ? ['uplink.proxy.password_file']
      : []),
  ].map((key) => ({ key: at(key), message: own }));
  if (foreign.length > 0) return foreign;
  if (typeof rendered !== 'string') return [rendered];
  try {
    const { config } = parseConfig(rendered, join(folder, names.configuration));
    return optionsFaults(config, []).map(({ key, message }) => ({ key: at(key), message }));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ key, line, message }) => ({
      key: at(key),
      message: `${message} (line ${line} of its ${names.configuration})`,
    }));
  }
}

/**
 * What it is to trust, PEM: of the roots of a site those that the voucher pins, that it was built to trust, or that one of
 * these has signed. Others are left out: while a fleet changes its root, the site has the old one too, and a board that was
 * built for the new one has no reason to believe that.
 */
function vouchedRoots({ authority }: Site, { owner, makerPem }: Checking): string | Fault {
  const fault = (message: string): Fault => ({ key: 'authority', message });
  let roots: X509Certificate[];
  try {
    roots = certificatesIn(authority);
  } catch {
    return fault('holds something that is no certificate');
  }
  const known = [...certificatesIn(owner.pinnedAuthorityPem), ...certificatesIn(makerPem)];
  const vouched = roots.filter(
    (one) =>
      one.ca &&
      known.some((by) => by.raw.equals(one.raw) || (one.checkIssued(by) && one.verify(by.publicKey))),
  );
  if (vouched.length > 0) return vouched.map((one) => one.toString()).join('');
  const names = roots.map(({ subject }) => subject.replaceAll('\n', ', ').slice(0, 80)).join('; ');
  return fault(`holds ${names}: neither the authority that the voucher pins nor one signed by it`);
}

function enrolmentFaults({ chain, enrolment: { url, secret } }: Site): Fault[] {
  const faults: Fault[] = [];
  if (chain === null && secret === null) {
    faults.push({
      key: 'enrolment.secret',
      message: 'is needed where there is no chain: it is to enrol with it',
    });
  }
  if (chain !== null && secret !== null) {
    faults.push({
      key: 'enrolment.secret',
      message: 'must be null where there is a chain: nothing would use it',
    });
  }
  if (secret !== null && !/^[\x21-\x7e]+$/.test(secret)) {
    faults.push({ key: 'enrolment.secret', message: 'must be printable, without spaces' });
  }
  if (/[@?#]/.test(url)) {
    faults.push({ key: 'enrolment.url', message: 'must not carry a user, password, query or fragment' });
  }
  return faults;
}

function proxyFaults({ configuration: { uplink }, proxyPassword }: Site): Fault[] {
  if (proxyPassword === null) return [];
  const proxy = isTable(uplink) ? uplink.proxy : undefined;
  if (isTable(proxy) && proxy.user !== undefined) {
    return /^[^\n\r]*$/.test(proxyPassword) ? [] : [{ key: 'proxyPassword', message: 'must be one line' }];
  }
  return [{ key: 'proxyPassword', message: 'is for a proxy that uplink.proxy names with its user' }];
}

/** The certificate is for the key that was made here, and for this id, under the authority beside it. */
function checkChain({ chain, authority, gatewayId }: Site, { privateKeyPem, time }: Checking): void {
  if (chain === null) return;
  const refuse = (what: string): Refused =>
    new Refused(
      'chain-refused',
      `the chain's first certificate ${what}: have it issued for the request of this session`,
    );
  let presented: X509Certificate[];
  try {
    presented = certificatesIn(chain);
  } catch {
    throw refuse('cannot be read');
  }
  const [own] = presented;
  if (own === undefined) throw refuse('is not there');
  if (!own.publicKey.equals(createPublicKey(createPrivateKey(privateKeyPem)))) {
    throw refuse('is for another key');
  }
  const fault = chainFault({
    presented: presented.map(({ raw }) => raw),
    authorityPem: authority,
    claim: { kind: 'client', commonName: gatewayId },
    time,
  });
  if (fault !== undefined) throw refuse(fault);
}

function filesOf(site: Site, configuration: string, network: KeptNetwork): SiteFile[] {
  const { authority, chain, enrolment, proxyPassword } = site;
  return [
    { name: names.configuration, content: configuration, mode: 0o644 },
    { name: names.authority, content: authority, mode: 0o644 },
    { name: names.network, content: `${JSON.stringify(network, undefined, 2)}\n`, mode: 0o600 },
    ...(chain === null ? [] : [{ name: names.chain, content: chain, mode: 0o644 } as const]),
    ...(enrolment.secret === null
      ? []
      : [{ name: names.secret, content: `${enrolment.secret}\n`, mode: 0o600 } as const]),
    ...(proxyPassword === null
      ? []
      : [{ name: names.proxyPassword, content: `${proxyPassword}\n`, mode: 0o600 } as const]),
  ];
}

function secretsOf({ enrolment, network, proxyPassword }: Site): [path: string, secret: string][] {
  const passphrase = network.wifi?.passphrase ?? null;
  return (
    [
      ['enrolment.secret', enrolment.secret],
      ['network.wifi.passphrase', passphrase],
      ['proxyPassword', proxyPassword],
    ] as const
  ).flatMap(([path, secret]) => (secret === null ? [] : [[path, secret]]));
}

export function sha256(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
