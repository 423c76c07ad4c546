import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeVouching } from '../scenarios/board-on-tty.ts';
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
  readonly repository: Repository;
  /** Releases for the machine: the one in the image, and one that is newer. */
  readonly first: BuiltRelease;
  readonly second: BuiltRelease;
}

/** A repository of releases, and the keys of the release manager. */
export interface Repository {
  readonly folder: string;
  readonly keys: string;
  readonly passphraseFile: string;
  /** Its first root, which images are built to trust. */
  readonly root: string;
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
    ...['--dry-run', '--json'],
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
  const maker = join(folder, 'maker.pem');
  const repository = await firstStart(benchFolder, folder, maker);
  const target = 'linux-arm64';
  const out = join(folder, 'releases');
  const first = await buildRelease({ target, out });
  const second = await buildRelease({ target, out, as: '0.9.0', healthSeconds: 300 });
  const disk = join(folder, 'disk.img');
  await loadline([
    ...['image', 'build', '--board', board, '--release', first.folder, '--maker', maker],
    ...['--releases-root', repository.root, '--out', disk, '--json'],
  ]);
  // A card is larger than the image. The emulator of the Raspberry Pi takes powers of two only.
  await run('truncate', ['--size=4G', disk]);
  return { disk, benchFolder, repository, first, second };
}

/** Starts the cloud once, for its authority and its keys, and has the ceremony of a repository held. */
async function firstStart(benchFolder: string, folder: string, maker: string): Promise<Repository> {
  const cloud = await CloudProcess.start({
    ...{ state: join(benchFolder, 'cloud'), host: '0.0.0.0', names: [cloudName] },
  });
  try {
    await writeFile(maker, cloud.authorityPem);
    const online = join(folder, 'online.pub.json');
    await writeFile(online, JSON.stringify(await cloud.client.getRepository({})));
    const keys = join(folder, 'keys');
    const passphraseFile = join(folder, 'passphrase');
    await writeFile(passphraseFile, 'only for this run of the ladder\n', { mode: 0o600 });
    const words = ['--folder', keys, '--passphrase-file', passphraseFile, '--json'];
    const made = (await loadline(['release', 'key', '--role', 'targets', ...words])) as { public: string };
    await loadline(['release', 'init', '--offline', '--key', made.public, online, ...words]);
    const root = join(keys, '1.root.json');
    return { folder: join(folder, 'repository'), keys, passphraseFile, root };
  } finally {
    await cloud.service.stop();
  }
}
