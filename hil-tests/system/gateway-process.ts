import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundlePath, leanStart } from '@loadline/device-runtime';
import type { OrganisationClient } from '@loadline/sdk/client';
import { stringify } from 'smol-toml';
import type { CloudProcess } from './cloud-process.ts';
import { withLog } from './cloud-process.ts';
import { Service, type ServiceOptions } from './service.ts';

/** Sections of a gateway's configuration, spelt as in its file; docs/gateway.md has every key. */
export type Sections = Readonly<Record<string, Readonly<Record<string, unknown>> | readonly object[]>>;

/** What a gateway's folder is made of. */
export interface GatewayConfig {
  readonly id: string;
  /** Folder of its configuration, key and certificate. */
  readonly folder: string;
  /** What its file says beside the way to the cloud; the keys of a table go over the usual ones. */
  readonly sections: Sections;
}

/**
 * Writes a gateway's folder: configuration, the fleet's authority, and, while it has no certificate, a fresh
 * enrolment secret from the cloud. The key is not here: the gateway makes it. @returns the configuration's path.
 */
export async function prepareGateway(cloud: CloudProcess, config: GatewayConfig): Promise<string> {
  const { folder, id } = config;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, 'authority.pem'), cloud.authorityPem);
  if (!existsSync(join(folder, 'state/gateway.crt'))) {
    const enrolmentSecret = await enrolmentSecretOf(cloud.organisation, id);
    cloud.service.watchFor(enrolmentSecret, 'an enrolment secret');
    writeFileSync(join(folder, 'enrolment-secret'), `${enrolmentSecret}\n`, { mode: 0o600 });
  }
  const path = join(folder, 'gateway.toml');
  writeFileSync(path, gatewayToml(cloud, config));
  return path;
}

/** A fresh one-time secret for a gateway, which the organisation takes in where it has not. */
export async function enrolmentSecretOf(organisation: OrganisationClient, id: string): Promise<string> {
  for await (const device of organisation.each('listDevices')) {
    if (device.id === id) return (await organisation.enrolDevice({ device: id })).enrolmentSecret;
  }
  return (await organisation.createDevice({ body: { id } })).enrolmentSecret;
}

function gatewayToml(cloud: CloudProcess, { id, sections }: GatewayConfig): string {
  const usual: Sections = {
    gateway: { id, state: 'state' },
    uplink: { host: 'localhost', port: cloud.mqttPort, authority: 'authority.pem' },
    enrolment: { url: cloud.url, secret_file: 'enrolment-secret' },
    // Whoever watches a gateway wants its account at once, and not within a minute.
    health: { after_quiet_ms: 150 },
  };
  const document: Record<string, unknown> = { ...usual, ...sections };
  for (const [name, section] of Object.entries(sections)) {
    if (!Array.isArray(section)) document[name] = { ...usual[name], ...section };
  }
  return stringify(document);
}

/** Starts the shipped bundle with a configuration, in a process of its own. */
export function startGateway(
  configFile: string,
  options: Pick<ServiceOptions, 'logFile' | 'under'> = {},
): Service {
  const { logFile, under } = options;
  return new Service({
    name: 'gateway',
    file: bundlePath,
    args: ['--config', configFile, '--progress'],
    ...leanStart,
    ...(under && { under }),
    ...withLog(logFile),
  });
}
