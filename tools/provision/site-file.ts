import { siteGoesTogether, siteTables } from '@loadline/device-runtime';
import { isGatewayId } from '@loadline/sdk/contract';
import { network as networkOfSite, serialNumber } from '@loadline/sdk/provisioning';
import { checkTable, flag, optionalTable, parseToml, path, table, text, whole } from '@loadline/sdk/toml';
import * as z from 'zod';
import type { Order } from './order.ts';

const idAllowed = 'must be 1 to 64 of a-z, 0-9 and inner hyphens';

const gateway = table({
  id: z
    .string(idAllowed)
    .refine(isGatewayId, idAllowed)
    .describe(
      "what the gateway is to be: its certificate's name, a level of its topics; never changed later",
    ),
  name: text(1, 200).optional().describe('what people call it; default: its id'),
  serial_number: z
    .string('must be text, in quotes')
    .refine((text) => serialNumber.safeParse(text).success, "must be what stands on the board's label")
    .optional()
    .describe('the only board that is to become it; another one is left alone'),
  replace: flag()
    .default(false)
    .describe('true where this board takes the place of another one that was this gateway'),
  discard_undelivered: flag()
    .default(false)
    .describe('true where readings that the board still holds for its owner before may be lost'),
});

const address = () =>
  z.union([z.ipv4(), z.ipv6()], 'must be an IP address, in quotes').meta({ type: 'string' });

const addresses = z.discriminatedUnion(
  'by',
  [
    table({ by: z.literal('dhcp').describe("the network's own DHCP server") }),
    table({
      by: z.literal('static').describe('as said here'),
      address: z
        .union([z.cidrv4(), z.cidrv6()], 'must be an address with the length of its prefix: "192.0.2.10/24"')
        .describe('with the length of its prefix, such as "192.0.2.10/24"'),
      gateway: address().describe('where what is not in this network goes'),
      dns: z
        .array(address(), 'must be a list of addresses')
        .min(1, 'must name at least one')
        .max(4, 'must name at most 4')
        .describe('name servers'),
    }),
  ],
  'must be one of "dhcp", "static"',
);

const wifi = table({
  ssid: text(1, 32).describe('name of the wireless network'),
  passphrase_file: path()
    .optional()
    .describe(
      'file with the passphrase (WPA2 personal; WPA3 where the network takes WPA2 too), mode 0600; without it the network is open',
    ),
  country: z
    .string('must be two capital letters, such as "DE"')
    .regex(/^[A-Z]{2}$/, 'must be two capital letters, such as "DE"')
    .describe('ISO 3166 code of the country: which channels are allowed'),
});

const network = optionalTable({
  interface: text(1, 15)
    .refine(
      (name) => networkOfSite.shape.interface.safeParse(name).success,
      'must be the name of an interface',
    )
    .optional()
    .describe('such as "eth0"; default: every wired one, or with `wifi` every wireless one'),
  addresses: addresses.default({ by: 'dhcp' }),
  ntp: z
    .array(text(1, 253), 'must be a list of host names')
    .max(4, 'must name at most 4')
    .default([])
    .describe('time servers, beside those that DHCP names'),
  wifi: wifi.optional(),
});

const proxyShape = siteTables.uplink.shape.proxy.unwrap();

/** Every key of a site file, by which it is checked and the table in docs/provisioning.md is written. */
export const siteFileSchema = table({
  organisation: text(1, 64)
    .optional()
    .describe("the owner's id; default: the only organisation of the login or token"),
  where: text(0, 200).default('').describe('the place, as it is to stand in the record: a name, coordinates'),
  gateway,
  cloud: optionalTable({
    url: z
      .url({ protocol: /^https$/, error: 'must be an https:// address, in quotes' })
      .optional()
      .describe('where the gateway renews its certificate; default: the cloud that is logged in to'),
  }),
  network,
  uplink: siteTables.uplink
    .extend({
      host: siteTables.uplink.shape.host
        .optional()
        .describe("the cloud's host name; default: that of the cloud that is logged in to"),
      proxy: proxyShape
        .extend({
          password_file: path()
            .optional()
            .describe('file with the password at the proxy, mode 0600; relative to this file'),
        })
        .optional(),
    })
    .prefault({}),
  provision: optionalTable({
    listen_seconds: whole(1, 600)
      .default(60)
      .describe('how long sensors are listened for where `ports` is left out'),
    trial_seconds: whole(5, 600)
      .default(180)
      .describe('how long the gateway has to connect and to get a reading acknowledged'),
  }),
  ports: siteTables.ports.optional(),
  sensors: siteTables.sensors,
  derived: siteTables.derived,
  copies: siteTables.copies,
  unconfigured: siteTables.unconfigured,
  health: siteTables.health,
  update: siteTables.update,
}).check(siteGoesTogether);

/** A site file as it was read: what is to be done, and which files have its secrets. */
export interface SiteFile {
  readonly order: Omit<Order, 'secrets'>;
  readonly wifiPassphraseFile: string | undefined;
  readonly proxyPasswordFile: string | undefined;
}

/** Tables that go to the gateway as they stand in the file: it has the defaults itself. */
const carried = ['sensors', 'derived', 'copies', 'unconfigured', 'health', 'update'] as const;

/**
 * Reads a site file.
 *
 * @param file is named in errors
 * @throws ConfigError naming every wrong key, its line and what is allowed
 */
export function parseSiteFile(content: string, file: string): SiteFile {
  const document = parseToml(content, file);
  const checked = checkTable(document.table, siteFileSchema);
  if ('issues' in checked) throw document.error(checked.issues);
  const { value } = checked;
  // A parser's own objects have no prototype; what is compared later is plain.
  const raw = structuredClone(document.table) as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  const { id, name = id, serial_number, replace, discard_undelivered } = value.gateway;
  const { wifi: radio, interface: device, ...wired } = value.network;
  const { proxy, host, ...link } = { ...raw.uplink } as Record<string, unknown>;
  const { password_file: _, ...withoutPassword } = { ...(proxy as object) } as Record<string, unknown>;
  return {
    order: {
      organisation: value.organisation,
      where: value.where,
      gatewayId: id,
      name,
      serialNumber: serial_number,
      replace,
      discardUndelivered: discard_undelivered,
      cloudUrl: value.cloud.url,
      network: {
        ...wired,
        ...(device !== undefined && { interface: device }),
        ...(radio && { wifi: { ssid: radio.ssid, country: radio.country } }),
      },
      uplink: {
        host: host as string | undefined,
        rest: { ...link, ...(proxy !== undefined && { proxy: withoutPassword }) },
      },
      ports: raw.ports as unknown as Order['ports'],
      tables: Object.fromEntries(
        carried.flatMap((table) => (raw[table] === undefined ? [] : [[table, raw[table]]])),
      ),
      listenSeconds: value.provision.listen_seconds,
      trialSeconds: value.provision.trial_seconds,
    },
    wifiPassphraseFile: radio?.passphrase_file,
    proxyPasswordFile: value.uplink.proxy?.password_file,
  };
}
