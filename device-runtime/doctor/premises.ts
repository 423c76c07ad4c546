import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { access, constants, readFile, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isExposed } from '@loadline/sdk/platform';
import type { Config } from '../config/index.ts';
import { certificateDaysLeft, type identityFiles } from '../identity/index.ts';
import { findHolders } from '../radio/index.ts';
import { certificate } from './diagnose.ts';
import { error, type Finding, warning } from './finding.ts';

/** What can be seen of a gateway's premises without asking it: files, ports, disk, clock, unit. Figures for the archive. */
export interface Premises {
  readonly findings: readonly Finding[];
  readonly certificateDaysLeft: number | null;
  readonly freeBytes: number | null;
  readonly unit: Readonly<Record<string, string>>;
}

/** The unit of packaging/. */
const unitName = 'loadline-gateway.service';
/** No clock is right that says less: this was written after it. */
const earliest = Date.UTC(2026, 0, 1);
const leastFreeBytes = 64e6;

export interface PremisesOptions {
  readonly config: Config;
  /** Whether the gateway runs, so that it is the one that has its ports open. */
  readonly gatewayPid: number | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export async function lookAround({ config, gatewayPid, now }: PremisesOptions): Promise<Premises> {
  const { state } = config.gateway;
  const [keys, daysLeft, ports, freeBytes, unit] = await Promise.all([
    keyFiles(config),
    certificateDays(config, now),
    Promise.all(config.ports.map((port) => portFindings(port, gatewayPid))),
    freeOn(state),
    unitState(),
  ]);
  return {
    certificateDaysLeft: daysLeft,
    freeBytes,
    unit,
    findings: [
      ...keys,
      // A gateway that runs counts the days by a better clock.
      ...(gatewayPid === undefined ? certificate(daysLeft) : []),
      ...ports.flat(),
      ...diskFindings(freeBytes, state),
      ...clockFindings(now),
      ...unitFindings(unit, gatewayPid),
    ],
  };
}

/** A port that is not there, may not be opened, or is held by somebody else. */
async function portFindings(
  { name, path }: Config['ports'][number],
  gatewayPid?: number,
): Promise<Finding[]> {
  const about = `port ${name}`;
  // A pattern, and HID: the gateway itself says what it found.
  if (!path.startsWith('/') || path.includes('*')) return [];
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    return [error(about, `there is no ${path}`, 'plug the adapter in, or correct `path` of the port')];
  }
  const findings: Finding[] = [];
  try {
    await access(path, constants.R_OK | constants.W_OK);
  } catch {
    findings.push(
      warning(
        about,
        `this user may not open ${path}`,
        'run this as root; the user of the gateway must be in the group of the device (dialout)',
      ),
    );
  }
  if (process.platform !== 'linux') return findings;
  const { holders } = await findHolders([found.rdev]);
  for (const { pid, name: program } of holders.get(found.rdev) ?? []) {
    if (pid === gatewayPid) continue;
    const says = `${program} (process ${pid}) has ${path} open`;
    findings.push(
      gatewayPid === undefined
        ? warning(about, says, 'stop it, unless it is the gateway itself, which did not answer')
        : error(about, says, 'stop it: disable a getty on the port, mask ModemManager'),
    );
  }
  return findings;
}

async function keyFiles({
  gateway: { state },
  uplink: { authority },
  enrolment,
}: Config): Promise<Finding[]> {
  const findings: Finding[] = [];
  const folder = await stat(state).catch((problem: NodeJS.ErrnoException) => problem);
  if (folder instanceof Error) {
    const says = folder.code === 'ENOENT' ? 'is not there yet' : `cannot be looked into: ${folder.message}`;
    return [
      warning('state', `the state folder ${state} ${says}`, 'start the gateway once; run this as root'),
    ];
  }
  if (!folder.isDirectory()) return [error('state', `${state} is no folder`, 'correct `gateway.state`')];
  if ((folder.mode & 0o077) !== 0) {
    findings.push(warning('state', `others may look into ${state}`, `chmod 700 ${state}`));
  }
  for (const [file, needed] of [
    ['gateway.key', true],
    ['gateway.crt', false],
  ] as const) {
    const path = join(state, file);
    const exposed = await isExposed(path).catch(
      (problem: NodeJS.ErrnoException) => problem.code ?? 'unreadable',
    );
    if (exposed === 'ENOENT') {
      const act = enrolment?.secret_file
        ? 'the gateway makes it once it reaches the cloud'
        : 'provision the gateway, or configure [enrolment] with a secret_file';
      findings.push(warning('identity', `there is no ${path} yet`, act));
    } else if (typeof exposed === 'string') {
      findings.push(warning('identity', `${path} cannot be read (${exposed})`, 'run this as root'));
    } else if (exposed && needed) {
      findings.push(error('identity', `others may read the private key ${path}`, `chmod 600 ${path}`));
    }
  }
  try {
    new X509Certificate(await readFile(authority));
  } catch (problem) {
    findings.push(
      error(
        'authority',
        `${authority} is not the fleet's authority: ${(problem as Error).message}`,
        'copy authority/authority.pem of the cloud there',
      ),
    );
  }
  return findings;
}

/** Of the newest certificate: during a renewal there are two. Who may not read the key may read these. */
async function certificateDays({ gateway: { state } }: Config, now: number): Promise<number | null> {
  const chains = await Promise.all(
    (['gateway.crt', 'renewal.crt'] satisfies (typeof identityFiles)[number][]).map((name) =>
      readFile(join(state, name), 'utf8').catch(() => undefined),
    ),
  );
  const days = chains.map((chainPem) => certificateDaysLeft(chainPem, { kind: 'at-least', wall: now }));
  return days.reduce((one, other) => (one === null || (other !== null && other > one) ? other : one), null);
}

async function freeOn(folder: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return null;
  }
}

function diskFindings(freeBytes: number | null, state: string): Finding[] {
  if (freeBytes === null || freeBytes >= leastFreeBytes) return [];
  const says = `only ${Math.round(freeBytes / 1e6)} MB are free on the disk of ${state}`;
  return [error('disk', says, 'free space on the data partition, or lower `journal.max_bytes`')];
}

function clockFindings(now: number): Finding[] {
  if (now >= earliest) return [];
  return [
    error(
      'clock',
      `this machine believes that it is ${new Date(now).toISOString().slice(0, 10)}`,
      'allow NTP out of the network, or set the time; readings are kept meanwhile',
    ),
  ];
}

/** What systemd says of the unit; empty where there is no systemd, or no such unit. */
async function unitState(): Promise<Record<string, string>> {
  const properties = ['LoadState', 'ActiveState', 'SubState', 'Result', 'NRestarts', 'UnitFileState'];
  try {
    const { stdout } = await promisify(execFile)(
      'systemctl',
      ['show', unitName, ...properties.flatMap((property) => ['-p', property])],
      { timeout: 5000 },
    );
    const pairs = stdout.split('\n').flatMap((line) => {
      const [name = '', value = ''] = line.split('=', 2);
      return properties.includes(name) && /^[a-z0-9-]{1,40}$/.test(value) ? [[name, value]] : [];
    });
    const unit = Object.fromEntries(pairs);
    return unit.LoadState === 'loaded' ? unit : {};
  } catch {
    return {};
  }
}

function unitFindings(
  { ActiveState, Result, NRestarts, UnitFileState }: Record<string, string>,
  pid?: number,
): Finding[] {
  const findings: Finding[] = [];
  if (ActiveState !== undefined && ActiveState !== 'active' && pid === undefined) {
    findings.push(
      error(
        'service',
        `${unitName} is ${ActiveState}, its last result: ${Result}`,
        `journalctl -u ${unitName} says why; systemctl start ${unitName}`,
      ),
    );
  }
  if (Number(NRestarts ?? 0) > 0) {
    findings.push(
      warning('service', `systemd has restarted it ${NRestarts} times`, `journalctl -u ${unitName} says why`),
    );
  }
  if (UnitFileState === 'disabled') {
    findings.push(warning('service', 'it does not start with the machine', `systemctl enable ${unitName}`));
  }
  return findings;
}
