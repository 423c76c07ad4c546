import { needs } from '../runner/debian.ts';
import type { Ask } from './emulated-site.ts';
import { runsArm64 } from './foreign.ts';
import { canHaveOwnNetwork } from './lan.ts';
import { machineMaterial, nspawnMaterial } from './material.ts';
import { buildRelease, imageDependencies } from './releases.ts';
import type { Rung } from './rung.ts';
import { climbNspawn } from './rung-nspawn.ts';
import { climbRaspi3b } from './rung-raspi3b.ts';
import { climbUser } from './rung-user.ts';
import { climbVirt } from './rung-virt.ts';

/** What a rung's process is told: which, where, and what was prepared. */
export interface Order extends Ask {
  readonly rung: string;
  readonly folder: string;
  readonly material: unknown;
}

interface RungScript<Material> {
  readonly name: string;
  /** What it shows, in a line. */
  readonly what: string;
  /** Minutes that it takes on two cores with all that is kept kept; and that it may take. */
  readonly minutes: number;
  readonly limit: number;
  readonly network: 'own' | 'this';
  /** True, or why it cannot be climbed here. */
  readonly ready: () => Promise<true | string>;
  /** Makes what it needs, with this machine's own network. */
  readonly prepare: (folder: string) => Promise<Material>;
  readonly climb: (rung: Rung, material: Material, ask: Ask) => Promise<void>;
}

/** Asks one after the other, until one says why not. */
async function all(...asked: readonly (() => Promise<true | string>)[]): Promise<true | string> {
  for (const ask of asked) {
    const there = await ask();
    if (there !== true) return there;
  }
  return true;
}

const isRoot = async () =>
  process.getuid?.() === 0 || 'only root may make networks and wires: run it as root';

/** An image is built here first: what that needs is as much as what it is then started with. */
const readyForMachines = () => all(isRoot, imageDependencies, () => canHaveOwnNetwork('tap'));

const user: RungScript<Awaited<ReturnType<typeof buildRelease>>> = {
  name: 'user',
  what: 'the release for arm64 as a process under qemu-user',
  minutes: 1,
  limit: 10,
  network: 'this',
  ready: runsArm64,
  prepare: (folder) => buildRelease({ target: 'linux-arm64', out: `${folder}/releases` }),
  climb: climbUser,
};

const nspawn: RungScript<Awaited<ReturnType<typeof nspawnMaterial>>> = {
  name: 'nspawn',
  what: 'package and settings of an image on a Debian that systemd-nspawn boots, on this machine’s own processor',
  minutes: 1,
  limit: 15,
  network: 'own',
  ready: () =>
    all(
      isRoot,
      () => needs('ip', 'iproute2'),
      () => needs('dnsmasq', 'dnsmasq-base'),
      () => needs('systemd-nspawn', 'systemd-container'),
      () => needs('mmdebstrap'),
      () => canHaveOwnNetwork('veth'),
    ),
  prepare: nspawnMaterial,
  climb: climbNspawn,
};

const virt: RungScript<Awaited<ReturnType<typeof machineMaterial>>> = {
  name: 'virt',
  what: 'the image on an emulated machine, from its firmware on, with its radio, its network and its power',
  minutes: 9,
  limit: 120,
  network: 'own',
  ready: readyForMachines,
  prepare: (folder) => machineMaterial(folder, 'generic-arm64'),
  climb: climbVirt,
};

const raspi3b: RungScript<Awaited<ReturnType<typeof machineMaterial>>> = {
  name: 'raspi3b',
  what: 'the card of a Raspberry Pi 3 on an emulated one, from its kernel on',
  minutes: 3,
  limit: 60,
  network: 'own',
  ready: readyForMachines,
  prepare: (folder) => machineMaterial(folder, 'rpi3'),
  climb: climbRaspi3b,
};

export const rungs = [user, nspawn, virt, raspi3b];

/** Climbs the rung of an order, with what was prepared for it. */
export async function climb(rung: Rung, { material, ...ask }: Order): Promise<void> {
  const script = rungs.find(({ name }) => name === rung.name) as RungScript<unknown> | undefined;
  if (script === undefined) throw new Error(`there is no rung ${rung.name}`);
  await script.climb(rung, material, ask);
}
