import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeVouching } from '../scenarios/board-on-tty.ts';
import { type KeptByManager, ReleaseManager } from '../scenarios/release-manager.ts';
import { CloudProcess } from '../system/index.ts';
import { baseSystem } from './base-system.ts';
import { cloudName } from './lan.ts';
import { type BuiltRelease, buildRelease, loadline } from './releases.ts';
import type { NspawnMaterial } from './rung-nspawn.ts';

const run = promisify(execFile);

/** What a machine of the emulator is put together of. */
export interface MachineMaterial {
  /** The image on its card: written to. */
  readonly disk: string;
  /** Where the cloud has its state whose authority the image trusts. */
  readonly benchFolder: string;
  /** The release manager's keys: the image trusts the root that they signed. */
  readonly manager: KeptByManager;
  /** The release that is in the image. */
  readonly release: BuiltRelease;
}

/** Packages that only a machine with a kernel of its own needs, or that is started from a card. */
const machineOnly = /^(linux-|initramfs|busybox|zstd|raspi-|systemd-boot)/;

/** The packages of an image on this machine's own architecture, and the release for it. */
export async function nspawnMaterial(folder: string): Promise<NspawnMaterial> {
  const out = join(folder, 'releases');
  const inImage = await buildRelease({ target: 'linux-arm64', out });
  const maker = join(folder, 'maker.pem');
  await writeFile(maker, (await makeVouching()).fleet.certificatePem);
  const { suite, packages } = (await loadline([
    ...['image', 'build', '--board', 'generic-arm64', '--release', inImage.folder, '--maker', maker],
    ...['--never-updates', '--dry-run', '--json'],
  ])) as { suite: string; packages: readonly string[] };
  const base = await baseSystem(
    suite,
    packages.filter((name) => !machineOnly.test(name)),
  );
  const target = process.arch === 'arm64' ? 'linux-arm64' : 'linux-x64';
  const release = process.arch === 'arm64' ? inImage : await buildRelease({ target, out });
  const [name] = (await readdir(release.folder)).filter((each) => each.endsWith('.deb'));
  if (name === undefined) throw new Error(`${release.folder} has no package`);
  return { base, debianPackage: join(release.folder, name), version: release.version };
}

/** A cloud's authority, a repository, releases, and the image of a board that trusts both. */
export async function machineMaterial(
  folder: string,
  board: 'generic-arm64' | 'rpi3',
): Promise<MachineMaterial> {
  const benchFolder = join(folder, 'bench');
  await mkdir(benchFolder, { recursive: true });
  const { manager, maker, root } = await firstStart(benchFolder, folder);
  const release = await buildRelease({ target: 'linux-arm64', out: join(folder, 'releases') });
  const disk = join(folder, 'disk.img');
  await loadline([
    ...['image', 'build', '--board', board, '--release', release.folder, '--maker', maker],
    ...['--releases-root', root, '--out', disk, '--json'],
  ]);
  // A card is larger than the image. The emulator of the Raspberry Pi takes powers of two only.
  await run('truncate', ['--size=4G', disk]);
  return { disk, benchFolder, manager, release };
}

/** Starts the cloud once, for its authority and its keys, and appoints who releases for its gateways. */
async function firstStart(benchFolder: string, folder: string) {
  const cloud = await CloudProcess.start({
    ...{ state: join(benchFolder, 'cloud'), host: '0.0.0.0', names: [cloudName] },
  });
  try {
    const [maker, root] = [join(folder, 'maker.pem'), join(folder, 'root.json')];
    await writeFile(maker, cloud.authorityPem);
    const manager = await ReleaseManager.appoint(cloud);
    await writeFile(root, manager.root);
    return { manager: manager.kept, maker, root };
  } finally {
    await cloud.service.stop();
  }
}
