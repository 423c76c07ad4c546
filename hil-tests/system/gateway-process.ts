import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundlePath } from '@loadline/device-runtime';
import type { CloudProcess } from './cloud-process.ts';
import { withLog } from './cloud-process.ts';
import { Service } from './service.ts';

/** A sensor as the gateway's configuration names it. */
export interface SensorConfig {
  /** Four hex digits. */
  readonly tag: string;
  readonly name: string;
  readonly unit: string;
  readonly intervalSeconds?: number;
  readonly simulated: boolean;
}

export interface GatewayConfig {
  readonly id: string;
  /** Folder of its configuration, key and certificate. */
  readonly folder: string;
  /** Path of the serial port. */
  readonly port: string;
  /** Default: t24. */
  readonly protocol?: 't24' | 'gw1';
  readonly sensors: readonly SensorConfig[];
  /** How often an unconfigured tag must be heard to become a series. */
  readonly sightings: number;
  /** How many unconfigured tags may become series. Default 64. */
  readonly maxSeries?: number;
  /** Where it finds the MQTT door, where not directly at the cloud: a fault proxy. */
  readonly mqttPort?: number;
  /** MQTT's keepalive. Default: the gateway's own. */
  readonly keepaliveSeconds?: number;
  /** Bytes it may have published and not acknowledged. Default: the gateway's own. */
  readonly windowBytes?: number;
  /** Bytes of memory for what is not acknowledged. Default: the gateway's own. */
  readonly journalBytes?: number;
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
    const { enrolmentSecret } = await cloud.client.createGateway(id);
    writeFileSync(join(folder, 'enrolment-secret'), `${enrolmentSecret}\n`, { mode: 0o600 });
  }
  const path = join(folder, 'gateway.toml');
  writeFileSync(path, gatewayToml(cloud, config));
  return path;
}

function gatewayToml(cloud: CloudProcess, config: GatewayConfig): string {
  const {
    id,
    port,
    protocol = 't24',
    sensors,
    sightings,
    maxSeries = 64,
    mqttPort = cloud.mqttPort,
    keepaliveSeconds,
    windowBytes,
    journalBytes,
  } = config;
  // A JSON string is a TOML basic string.
  const text = (value: string) => JSON.stringify(value);
  const lines = [
    '[gateway]',
    `id = ${text(id)}`,
    'state = "state"',
    '[uplink]',
    'host = "localhost"',
    `port = ${mqttPort}`,
    'authority = "authority.pem"',
    ...(keepaliveSeconds === undefined ? [] : [`keepalive_seconds = ${keepaliveSeconds}`]),
    ...(windowBytes === undefined ? [] : [`window_bytes = ${windowBytes}`]),
    '[enrolment]',
    `url = ${text(cloud.url)}`,
    'secret_file = "enrolment-secret"',
    '[unconfigured]',
    `sightings = ${sightings}`,
    `max_series = ${maxSeries}`,
    ...(journalBytes === undefined ? [] : ['[journal]', `max_bytes = ${journalBytes}`]),
    '[[ports]]',
    'name = "radio"',
    `path = ${text(port)}`,
    `protocol = ${text(protocol)}`,
  ];
  for (const { tag, name, unit, intervalSeconds, simulated } of sensors) {
    lines.push('[[sensors]]', `tag = ${text(tag)}`, `name = ${text(name)}`, `unit = ${text(unit)}`);
    if (intervalSeconds !== undefined) lines.push(`interval_seconds = ${intervalSeconds}`);
    lines.push(`simulated = ${simulated}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Starts the shipped bundle with a configuration, in a process of its own. */
export function startGateway(configFile: string, options: { logFile?: string } = {}): Service {
  return new Service({
    name: 'gateway',
    file: bundlePath,
    args: ['--config', configFile, '--progress'],
    nodeFlags: [],
    ...withLog(options.logFile),
  });
}
