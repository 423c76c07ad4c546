import { isIP } from 'node:net';
import { preSharedKey } from '@loadline/sdk/platform';
import { type Network, network as networkSchema } from '@loadline/sdk/provisioning';
import * as z from 'zod';

/**
 * How a network is kept on the gateway's disk, in `network.json`: as the site says it, but with the pre-shared key in the
 * place of the passphrase it comes of.
 */
const keptNetworkSchema = networkSchema.omit({ wifi: true }).extend({
  wifi: z
    .strictObject({
      ssid: z.string().min(1).max(32),
      /** 256 bits, hex. Null for an open network. */
      psk: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .nullable(),
      country: z.string().regex(/^[A-Z]{2}$/),
    })
    .optional(),
});

export type KeptNetwork = z.output<typeof keptNetworkSchema>;

export function keptNetwork({ wifi, ...rest }: Network): KeptNetwork {
  if (wifi === undefined) return rest;
  const { ssid, passphrase, country } = wifi;
  return {
    ...rest,
    wifi: { ssid, psk: passphrase === null ? null : preSharedKey(passphrase, ssid), country },
  };
}

/** Reads `network.json`. @throws Error where it is none; nobody writes another */
export function readKeptNetwork(json: string): KeptNetwork {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    // Not the parser's own words: they quote a text that root has read.
    throw new Error('the network that is in force is not JSON: write the site again');
  }
  const { data, error } = keptNetworkSchema.safeParse(parsed);
  const [fault] = error
    ? error.issues.map(({ path }) => path.join('.'))
    : networkFaults(data).map(({ key }) => key);
  if (error || fault !== undefined) {
    throw new Error(`the network that is in force cannot be used: ${fault ?? ''}: write the site again`);
  }
  return data;
}

/** What no schema says: a file that root reads must not be made to say more than it is meant to. */
export function networkFaults({
  addresses,
  ntp,
  wifi,
}: Network | KeptNetwork): { key: string; message: string }[] {
  const faults: { key: string; message: string }[] = [];
  ntp.forEach((server, index) => {
    if (isIP(server) !== 0 || /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(server)) return;
    faults.push({ key: `network.ntp[${index + 1}]`, message: 'must be a host name or an address' });
  });
  if (addresses.by === 'static') {
    const family = isIP(addresses.address.split('/')[0] ?? '');
    if (isIP(addresses.gateway) !== family) {
      faults.push({ key: 'network.addresses.gateway', message: 'must be of the same family as the address' });
    }
  }
  if (wifi !== undefined && Buffer.byteLength(wifi.ssid) > 32) {
    faults.push({ key: 'network.wifi.ssid', message: 'must have at most 32 bytes in UTF-8' });
  }
  return faults;
}

/** A file that root puts into the system, by its path from the root of the file system. */
export interface SystemFile {
  readonly path: string;
  readonly content: string;
  readonly mode: 0o600 | 0o644;
}

const madeBy = '# Made by Loadline of the site that was provisioned; changes here are lost.\n';

/** Whether a file was made here. */
export function isOurs(content: string): boolean {
  return content.startsWith(madeBy);
}

/**
 * The network as systemd-networkd and wpa_supplicant take it (systemd.network(5), wpa_supplicant.conf(5)).
 *
 * @param wireless the interfaces that a wireless network is for: wpa_supplicant has a file for each
 */
export function systemFiles(
  network: KeptNetwork,
  wireless: readonly string[],
  { networkFile, supplicantFolder }: NetworkPlaces,
): SystemFile[] {
  const { wifi } = network;
  const unit: SystemFile = { path: networkFile, content: networkUnit(network), mode: 0o644 };
  if (wifi === undefined) return [unit];
  const content = supplicant(wifi);
  return [
    unit,
    ...wireless.map((name) => ({
      path: `${supplicantFolder}/wpa_supplicant-${name}.conf`,
      content,
      mode: 0o600 as const,
    })),
  ];
}

/** Where the system looks for the files of a network, from the root of the file system. */
export interface NetworkPlaces {
  readonly networkFile: string;
  readonly supplicantFolder: string;
}

/** Where they stay; and where they are until the next boot, of a system that is read-only. */
export const networkPlaces = {
  etc: {
    networkFile: 'etc/systemd/network/10-loadline.network',
    supplicantFolder: 'etc/wpa_supplicant',
  },
  run: {
    networkFile: 'run/systemd/network/10-loadline.network',
    supplicantFolder: 'run/loadline',
  },
} as const satisfies Record<string, NetworkPlaces>;

function networkUnit({ interface: name, wifi, addresses, ntp }: KeptNetwork): string {
  const type = wifi === undefined ? 'ether' : 'wlan';
  // Not bridges and the like, which are of type ether too.
  const match = name === undefined ? [`Type=${type}`, 'Kind=!*'] : [`Name=${name}`];
  const how =
    addresses.by === 'dhcp'
      ? ['DHCP=yes']
      : [
          `Address=${addresses.address}`,
          `Gateway=${addresses.gateway}`,
          ...addresses.dns.map((server) => `DNS=${server}`),
        ];
  const lines = ['[Match]', ...match, '', '[Network]', ...how, ...ntp.map((server) => `NTP=${server}`)];
  return `${madeBy}${lines.join('\n')}\n`;
}

/** The SSID in hex, without quotes: no character of it can end the line or the block. */
function supplicant({ ssid, psk: key, country }: NonNullable<KeptNetwork['wifi']>): string {
  const security =
    key === null ? ['key_mgmt=NONE'] : ['key_mgmt=WPA-PSK WPA-PSK-SHA256', 'ieee80211w=1', `psk=${key}`];
  const lines = [
    'ctrl_interface=/run/wpa_supplicant',
    `country=${country}`,
    'network={',
    ...[`ssid=${Buffer.from(ssid).toString('hex')}`, 'scan_ssid=1', ...security].map((line) => `  ${line}`),
    '}',
  ];
  return `${madeBy}${lines.join('\n')}\n`;
}
