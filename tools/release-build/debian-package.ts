import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import type { ReleaseManifest, ReleaseTarget } from '@loadline/sdk/release';
import { writeAr } from './ar.ts';
import { filesIn } from './pack.ts';
import { type TarFile, writeTar } from './tarball.ts';

const scripts = join(import.meta.dirname, 'debian');

/** What Debian calls the machine. */
const architectures: Record<ReleaseTarget, string> = { 'linux-arm64': 'arm64', 'linux-x64': 'amd64' };

/** What Node's binary is linked to, what the units ask of systemd, and what the egress policy is loaded by. */
const depends = [
  'coreutils (>= 8.24)',
  'libc6 (>= 2.28)',
  'libgcc-s1',
  'libstdc++6 (>= 5)',
  'nftables (>= 0.9.9)',
  'systemd (>= 249)',
];
/** A clock that is right is asked for, and Wi-Fi where a site has it. */
const recommends = ['systemd-timesyncd | time-daemon', 'wpasupplicant'];

/** Not so tight as a packed file of the release, which travels over the air: a fifth of the time, a tenth larger. */
const level = 12;

/** What an operator has a package bring along, beside the release: content by path below /opt/loadline. */
export type Additions = ReadonlyMap<string, Uint8Array>;

/** A package as a file. */
export interface DebianPackage {
  readonly name: string;
  readonly content: Buffer;
}

/**
 * The release in `tree` as a package for Debian 12 and what is made of it: the tree as /opt/loadline/factory, its
 * launcher beside it, its units where systemd looks for them. Written here and not by dpkg-deb, whose versions pack to
 * other bytes.
 */
export async function writeDebianPackage(
  tree: string,
  manifest: ReleaseManifest,
  additions: Additions,
): Promise<DebianPackage> {
  const { committed } = manifest;
  const files = [...(await filesOf(tree, manifest)), ...added(additions), await copyright()];
  const control = await controlOf(manifest, files);
  const version = debianVersion(manifest.version);
  return {
    name: `loadline-gateway_${version}_${architectures[manifest.target]}.deb`,
    content: writeAr(
      [
        { name: 'debian-binary', content: Buffer.from('2.0\n') },
        { name: 'control.tar.zst', content: await compress(await writeTar(control, [], committed)) },
        { name: 'data.tar.zst', content: await compress(await writeTar(files, ['etc/loadline'], committed)) },
      ],
      committed,
    ),
  };
}

/** A version that is not final comes before the one that is: Debian says so by a tilde. */
function debianVersion(version: string): string {
  return version.replace('-', '~');
}

async function filesOf(tree: string, manifest: ReleaseManifest): Promise<TarFile[]> {
  const executables = new Set(manifest.files.filter(({ executable }) => executable).map(({ path }) => path));
  const files: TarFile[] = [];
  for (const path of await filesIn(tree)) {
    const content = await readFile(join(tree, path));
    const file = {
      path: `opt/loadline/factory/${path}`,
      content,
      mode: executables.has(path) ? 0o755 : 0o644,
    };
    files.push(file);
    if (path === 'launcher/loadline-launch') files.push({ ...file, path: `opt/loadline/${path}` });
    if (/^packaging\/[^/]+\.(service|timer|path)$/.test(path)) {
      files.push({ ...file, path: `usr/lib/systemd/system/${basename(path)}` });
    }
  }
  return files;
}

function added(additions: Additions): TarFile[] {
  return [...additions].map(([path, content]) => ({ path: `opt/loadline/${path}`, content, mode: 0o644 }));
}

async function copyright(): Promise<TarFile> {
  const content = await readFile(join(scripts, 'copyright'));
  return { path: 'usr/share/doc/loadline-gateway/copyright', content, mode: 0o644 };
}

/** The files that tell dpkg about the package (deb-control(5), deb-md5sums(5)). */
async function controlOf(manifest: ReleaseManifest, files: readonly TarFile[]): Promise<TarFile[]> {
  const kibibytes = files.reduce((sum, { content }) => sum + Math.ceil(content.length / 1024), 0);
  const fields = [
    'Package: loadline-gateway',
    `Version: ${debianVersion(manifest.version)}`,
    `Architecture: ${architectures[manifest.target]}`,
    'Maintainer: The Loadline developers <loadline@localhost>',
    `Installed-Size: ${kibibytes}`,
    `Depends: ${depends.join(', ')}`,
    `Recommends: ${recommends.join(', ')}`,
    'Section: net',
    'Priority: optional',
    'Description: T24 radio telemetry from serial ports to a Loadline cloud',
    ' Takes readings of T24 radio sensors off serial ports, keeps them on disk, and',
    ' delivers them over MQTT and TLS until each is acknowledged. It listens to',
    ' nothing, updates itself in slots beside this package, and goes back to the',
    ' release of this package where those do not start.',
    ' .',
    ` With Node ${manifest.node} inside, built from commit`,
    ` ${manifest.commit}.`,
  ];
  const sums = files.map(
    ({ path, content }) => `${createHash('md5').update(content).digest('hex')}  ${path}\n`,
  );
  const maintainer = await Promise.all(
    ['postinst', 'prerm', 'postrm'].map(async (path) => ({
      path,
      content: await readFile(join(scripts, path)),
      mode: 0o755,
    })),
  );
  return [
    { path: 'control', content: Buffer.from(`${fields.join('\n')}\n`), mode: 0o644 },
    {
      path: 'md5sums',
      content: Buffer.from(sums.sort((a, b) => (a.slice(34) < b.slice(34) ? -1 : 1)).join('')),
      mode: 0o644,
    },
    ...maintainer,
  ];
}

async function compress(tar: Buffer): Promise<Buffer> {
  const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 };
  return await promisify(zstdCompress)(tar, { params, pledgedSrcSize: tar.length });
}
