import { readFileSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { networkInterfaces, release, type } from 'node:os';
import { join } from 'node:path';
import { type Reply, serialNumber as serialNumberSchema } from '@loadline/sdk/provisioning';
import { findHolders } from '../radio/index.ts';
import { version } from '../version.ts';

type Described = Reply<'describe'>;

export type Facts = Pick<Described, 'model' | 'serialNumber' | 'runtime' | 'node' | 'system'>;

/** What a board says of itself. */
export interface Board {
  /** What vouchers name, and stands on its label. */
  readonly serialNumber: string;
  look(): Promise<{
    readonly facts: Facts;
    readonly interfaces: Described['interfaces'];
    readonly ports: Described['ports'];
    readonly clock: Described['clock'];
  }>;
}

export interface BoardOptions {
  /** File with the serial number; the device tree's, unless another is named. */
  readonly serialNumberFile: string;
  /** File with the model. */
  readonly modelFile: string;
  /** Serial ports that radio could be heard on. */
  readonly radioPorts: () => Promise<readonly string[]>;
  readonly clock: () => Described['clock'];
}

/** Of the device tree, as a Raspberry Pi and most boards have it. Both end with a zero byte. */
export const deviceTree = {
  serialNumber: '/proc/device-tree/serial-number',
  model: '/proc/device-tree/model',
} as const;

const netFolder = '/sys/class/net';
/** ARPHRD_ETHER: wireless ones say so too. */
const ether = '1';

/** @throws Error where there is no serial number, or none that vouchers could name */
export function readBoard(options: BoardOptions): Board {
  const { serialNumberFile, modelFile, radioPorts, clock } = options;
  const { data: serialNumber, error } = serialNumberSchema.safeParse(lineOf(serialNumberFile));
  if (error) {
    throw new Error(
      `${serialNumberFile} has no serial number (letters, digits, ".", "_", ":" and "-", 64 at most): name a file that has one with --serial-number FILE`,
    );
  }
  const facts = {
    model: (lineOf(modelFile) ?? 'unknown').slice(0, 200),
    serialNumber,
    runtime: version,
    node: process.version,
    system: systemName().slice(0, 200),
  };
  return {
    serialNumber,
    look: async () => ({
      facts,
      interfaces: await interfacesOf(),
      ports: await portsOf(await radioPorts()),
      clock: clock(),
    }),
  };
}

/** The first line of a file, without what a device tree ends its strings with; undefined where there is none. */
function lineOf(file: string): string | undefined {
  try {
    const [line = ''] = readFileSync(file, 'utf8').replaceAll('\0', '').split('\n');
    return line.trim() || undefined;
  } catch {
    return undefined;
  }
}

function systemName(): string {
  const named = /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(lineless('/etc/os-release'))?.[1];
  return `${named ?? type()}, kernel ${release()}`;
}

function lineless(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Interfaces of hardware; where nothing says what hardware is behind them, as in a container, all that look like it. */
async function interfacesOf(): Promise<Described['interfaces']> {
  const addresses = networkInterfaces();
  const found = await Promise.all(
    (await readdir(netFolder).catch(() => [])).map(async (name) => {
      const at = (file: string) => join(netFolder, name, file);
      const text = async (file: string) => (await readFile(at(file), 'utf8').catch(() => '')).trim();
      const isThere = async (file: string) => (await stat(at(file)).catch(() => undefined)) !== undefined;
      return {
        name,
        isEther: (await text('type')) === ether,
        isHardware: await isThere('device'),
        kind: (await isThere('phy80211')) || (await isThere('wireless')) ? 'wireless' : 'wired',
        hardwareAddress: await text('address'),
        addresses: (addresses[name] ?? []).map(({ address }) => address),
      } as const;
    }),
  );
  const ethers = found.filter(({ isEther }) => isEther);
  const real = ethers.filter(({ isHardware }) => isHardware);
  return (real.length > 0 ? real : ethers).map(({ name, kind, hardwareAddress, addresses: all }) => ({
    name,
    kind,
    hardwareAddress,
    addresses: all,
  }));
}

/** The wireless ones, by name. */
export async function wirelessInterfaces(): Promise<string[]> {
  return (await interfacesOf()).filter(({ kind }) => kind === 'wireless').map(({ name }) => name);
}

/** Whether an interface has an address that leads out. */
export function hasNetwork(): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ internal, address }) => !internal && !/^(?:fe80:|169\.254\.)/i.test(address)),
  );
}

async function portsOf(paths: readonly string[]): Promise<Described['ports']> {
  const devices = await Promise.all(
    paths.map(async (path) => ({ path, device: (await stat(path).catch(() => undefined))?.rdev })),
  );
  const wanted = devices.flatMap(({ device }) => (device === undefined ? [] : [device]));
  if (process.platform !== 'linux') return paths.map((path) => ({ path, holder: null }));
  const { holders } = await findHolders(wanted);
  return devices.map(({ path, device }) => {
    const [holder] = (device === undefined ? undefined : holders.get(device)) ?? [];
    return { path, holder: holder === undefined ? null : `${holder.name} (pid ${holder.pid})` };
  });
}
