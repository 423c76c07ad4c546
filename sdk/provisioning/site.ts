import * as z from 'zod';
import { isGatewayId } from '../contract/index.ts';

/** PEM of one certificate or several. */
const certificates = z
  .string()
  .max(32 * 1024)
  .regex(/-----BEGIN CERTIFICATE-----/, 'must be certificates in PEM');

const address = z.union([z.ipv4(), z.ipv6()]);

/** Interfaces of Linux have up to 15 characters. */
const interfaceName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/, 'must be the name of an interface');

export const wifi = z.strictObject({
  ssid: z.string().min(1).max(32),
  /**
   * WPA2 personal (IEEE 802.11: 8 to 63 printable characters); SAE alone is not spoken. Or the pre-shared key that comes of
   * it, 64 hex digits, where the passphrase itself is not to travel. A secret. Null for an open network.
   */
  passphrase: z
    .string()
    .regex(/^(?:[\x20-\x7e]{8,63}|[0-9a-f]{64})$/, 'must be 8 to 63 printable characters')
    .nullable(),
  /** ISO 3166-1: which channels are allowed. */
  country: z.string().regex(/^[A-Z]{2}$/, 'must be two capital letters, as in DE'),
});

/** How a gateway comes by its network. */
export const network = z.strictObject({
  /** Undefined: every wired interface; or, with `wifi`, every wireless one. */
  interface: interfaceName.optional(),
  addresses: z.discriminatedUnion('by', [
    z.strictObject({ by: z.literal('dhcp') }),
    z.strictObject({
      by: z.literal('static'),
      /** With the length of its prefix, as in 192.0.2.10/24. */
      address: z.union([z.cidrv4(), z.cidrv6()]),
      gateway: address,
      dns: z.array(address).min(1).max(4),
    }),
  ]),
  /** Time servers, beside those that DHCP names. */
  ntp: z.array(z.string().min(1).max(253)).max(4).default([]),
  wifi: wifi.optional(),
});

export type Network = z.output<typeof network>;

/**
 * What a gateway is to become. It is written whole or not at all.
 *
 * `configuration` has the tables of its configuration file that a site says: `uplink` (without `authority`), `ports`,
 * `sensors`, `derived`, `copies`, `unconfigured`, `health`. The gateway adds its own files and folders, and checks it as it
 * checks that file.
 */
export const site = z.strictObject({
  version: z.literal(1),
  gatewayId: z.string().refine(isGatewayId, 'must be a gateway id'),
  organisation: z.string().refine(isGatewayId, 'must be an organisation id'),
  /** What people call it. */
  name: z.string().min(1).max(200),
  /** The roots it is to trust. */
  authority: certificates,
  /** Its certificate and the intermediates; null where it is to enrol by itself, with the secret. */
  chain: certificates.nullable(),
  enrolment: z.strictObject({
    /** Of the cloud's EST server, `https://host:port`: for its renewals too. */
    url: z.url({ protocol: /^https$/ }).max(300),
    /** One-time. A secret. Null where there is a chain. */
    secret: z.string().min(16).max(200).nullable(),
  }),
  network,
  /** Password at the proxy that `configuration.uplink.proxy` names. A secret. */
  proxyPassword: z.string().min(1).max(255).nullable(),
  configuration: z.record(z.string(), z.unknown()),
});

export type Site = z.output<typeof site>;

/** Bytes (UTF-8) of a site as JSON. */
export const siteBytes = 256 * 1024;
