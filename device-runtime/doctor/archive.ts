import { constants, release } from 'node:os';
import { gzipSync } from 'node:zlib';
import { events } from '@loadline/sdk/contract';
import * as z from 'zod';
import type { Config } from '../config/index.ts';
import type { GatewayStatus } from '../control/index.ts';
import type { Finding } from './finding.ts';
import type { Premises } from './premises.ts';

/**
 * The support archive: gzipped JSON of what this schema names, and of nothing else. What is not named here is not in
 * it, whatever the gateway, its files or its environment hold.
 *
 * No field is free text. Names, units, paths outside /dev, reasons and details are left out; of a reason the error
 * codes that are known by name are kept. Ports are named by their place in the configuration.
 */
const count = z.number();
const code = z.string().regex(/^[a-z0-9-]{1,40}$/);
const version = z
  .string()
  .regex(/^\d{1,5}\.\d{1,5}\.\d{1,5}$/)
  .nullable()
  .catch(null);

const archiveSchema = z.object({
  format: z.literal('loadline-support-1'),
  made: z.iso.datetime(),
  machine: z.object({
    node: version,
    kernel: version,
    architecture: code.nullable().catch(null),
    freeBytes: count.nullable(),
    unit: z.record(code.or(z.string().regex(/^[A-Za-z]{1,40}$/)), code),
  }),
  findings: z.array(z.object({ severity: z.enum(['error', 'warning']), about: z.enum(subjects()) })),
  certificateDaysLeft: count.nullable(),
  configuration: z.object({
    uplink: z.object({
      port: count,
      fallbackPort: count.nullable(),
      proxied: z.boolean(),
      maxDelayMs: count,
      windowBytes: count,
      keepaliveSeconds: count,
    }),
    enrolment: z.boolean(),
    health: z.object({ interval_seconds: count, after_quiet_ms: count, wedged_seconds: count }),
    journal: z.object({ max_bytes: count, flush_seconds: count }),
    copies: z.object({ window_ms: count }),
    unconfigured: z.object({ sightings: count, max_series: count }),
    ports: z.array(
      z.object({
        device: z
          .string()
          .regex(/^\/dev\/[A-Za-z0-9]{1,20}$/)
          .nullable()
          .catch(null),
        baud: count,
        driver: z.enum(['t24', 'gw1', 'so', 'hid', 'own']).catch('own'),
        transmit: z.boolean(),
      }),
    ),
    sensors: z.array(
      z.object({ tag: count, interval_seconds: count.optional(), send: z.object({ policy: code }) }),
    ),
    derived: z.array(z.object({ tag: count, kind: code })),
  }),
  gateway: z
    .object({
      version,
      verdict: z.enum(['progressing', 'idle', 'wedged']),
      link: z.enum(['up', 'down', 'unborn']),
      health: z.object({
        uptimeSeconds: count,
        frames: count,
        readings: count,
        copies: count,
        suppressed: count,
        withheld: count,
        other: count,
        computed: count,
        ports: z.array(
          z.object({
            open: z.boolean(),
            bytes: count,
            frameBytes: count,
            discardedBytes: count,
            heldBytes: count,
            frames: count,
          }),
        ),
        journal: z.object({
          held: count,
          heldBytes: count,
          dropped: count,
          inFlight: count,
          written: count,
          writtenToday: count,
          disk: z.enum(['good', 'full', 'failing']),
        }),
        uplink: z.object({
          connections: count,
          windowBytes: count,
          roundTripMs: count.nullable(),
          disconnects: z.array(z.object({ secondsAgo: count, codes: z.array(z.string()) })),
        }),
        clock: z.object({ trust: z.enum(['nobody', 'system', 'cloud']), uncertaintyMs: count.nullable() }),
        certificate: z.object({ daysLeft: count.nullable() }),
        process: z.object({ residentBytes: count, cpuSeconds: count }),
      }),
      standing: z.array(
        z.object({
          code: z.enum(Object.keys(events) as [string, ...string[]]),
          secondsAgo: count,
          times: count,
          codes: z.array(z.string()),
        }),
      ),
    })
    .nullable(),
});

/** What findings may be about; a port or an event is told without its name. */
function subjects(): [string, ...string[]] {
  const own = ['gateway', 'cloud', 'proxy', 'certificate', 'journal', 'clock', 'memory', 'state', 'identity'];
  return [...own, 'authority', 'disk', 'service', 'port', 'control', ...Object.keys(events)] as never;
}

/** Codes that are kept of a reason: the system's, TLS's and MQTT's own, by name, and no word that only looks like one. */
const knownCodes: ReadonlySet<string> = new Set([
  ...Object.keys(constants.errno),
  ...['ENOTFOUND', 'EAI_AGAIN', 'ENODATA', 'CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', 'CERT_REVOKED'],
  ...['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ...['UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'ERR_TLS_CERT_ALTNAME_INVALID'],
]);

function codesIn(text: string): string[] {
  return [...new Set(text.match(/[A-Z][A-Z0-9_]{2,}/g) ?? [])].filter((word) => knownCodes.has(word));
}

export interface ArchiveSources {
  readonly config: Config;
  /** Undefined where the gateway could not be asked. */
  readonly status: GatewayStatus | undefined;
  readonly premises: Premises;
  readonly findings: readonly Finding[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** The support archive: gzip of one JSON document. */
export function supportArchive({ config, status, premises, findings, now }: ArchiveSources): Buffer {
  const { uplink } = config;
  // Everything is handed in; the schema takes what it names, and drops the rest.
  const archive = archiveSchema.parse({
    format: 'loadline-support-1',
    made: new Date(now).toISOString(),
    machine: {
      node: process.versions.node,
      kernel: /^\d+\.\d+\.\d+/.exec(release())?.[0],
      architecture: process.arch,
      freeBytes: premises.freeBytes,
      unit: premises.unit,
    },
    findings: findings.map(({ severity, about }) => ({ severity, about: about.split(' ')[0] })),
    certificateDaysLeft: premises.certificateDaysLeft,
    configuration: {
      ...config,
      uplink: {
        port: uplink.port,
        fallbackPort: uplink.fallback_port ?? null,
        proxied: uplink.proxy !== undefined,
        maxDelayMs: uplink.max_delay_ms,
        windowBytes: uplink.window_bytes,
        keepaliveSeconds: uplink.keepalive_seconds,
      },
      enrolment: config.enrolment !== undefined,
      ports: config.ports.map((port) => ({ ...port, device: port.path })),
    },
    gateway: status === undefined ? null : gatewayOf(status),
  });
  return gzipSync(`${JSON.stringify(archive, null, 1)}\n`);
}

function gatewayOf({ gateway, verdict, cloud, health, standing }: GatewayStatus) {
  return {
    version: gateway.version,
    verdict: verdict.kind,
    link: cloud.link,
    health: {
      ...health,
      uplink: {
        ...health.uplink,
        disconnects: health.uplink.disconnects.map(({ secondsAgo, reason }) => ({
          secondsAgo,
          codes: codesIn(reason),
        })),
      },
    },
    standing: standing.map((event) => ({ ...event, codes: codesIn(event.detail) })),
  };
}
