import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildGateway } from '@loadline/device-runtime/build';
import type { ReleaseManifest, ReleaseTarget } from '@loadline/sdk/release';
import { CalledWrongly } from '../cloud/outcome.ts';
import { packagesInside } from './contents.ts';
import { type Additions, writeDebianPackage } from './debian-package.ts';
import { writeLicences } from './licences.ts';
import { Lock } from './lock.ts';
import { nodeFor } from './node-binary.ts';
import { megabytes, packRelease, settle, sha256 } from './pack.ts';
import { writeBill } from './sbom.ts';
import { readSources } from './sources.ts';

/** What is to be built. */
export interface Order {
  readonly target: ReleaseTarget;
  /** Where the folder of the release is put; by default `dist/release` in the checkout. */
  readonly out?: string;
  /** Its version, where that is not the one of the sources. */
  readonly as?: string;
  readonly healthSeconds: number;
  readonly allowDirty: boolean;
  /** Files for the package alone: the root of the repository that its gateways trust, and whose vouchers they take. */
  readonly trust?: string;
  readonly maker?: string;
}

/** A release as it was built. */
export interface Built {
  readonly folder: string;
  readonly manifest: ReleaseManifest;
  /** The package for Debian. */
  readonly debian: string;
}

/**
 * Builds a release from the checkout at `root`.
 *
 * @throws CalledWrongly where the checkout is none that a release can be built from
 */
export async function buildRelease(root: string, order: Order, tell: (line: string) => void): Promise<Built> {
  const { target, out = join(root, 'dist/release'), healthSeconds } = order;
  const { commit, committed, dirty } = readSources(root, order.allowDirty ? 'allowed' : 'refused');
  const version = versionOf(order.as ?? (await versionOfSources(root)), dirty);
  const lock = new Lock(root);
  const { version: nodeVersion } = lock.at(`node_modules/node-${target}`);
  if (process.versions.node !== nodeVersion) {
    throw new CalledWrongly(
      `this is Node ${process.versions.node}, and a release is packed by the Node that it brings (${nodeVersion}), or its ` +
        "bytes would be others: run 'npm ci' without --omit=optional, on Linux x64 or arm64",
    );
  }
  const additions = await additionsOf(order);
  const name = `loadline-gateway-${version}-${target}`;
  const folder = join(out, name);
  // Made beside its place and put there whole.
  const fresh = `${folder}.new`;
  await rm(fresh, { recursive: true, force: true });
  const tree = join(fresh, 'tree');
  await mkdir(join(tree, 'bin'), { recursive: true });

  tell(`${name}, from ${commit.slice(0, 12)}${dirty === undefined ? '' : ' and what is not committed'}`);
  const node = await nodeFor(target, lock, root, tell);
  await writeFile(join(tree, 'bin/node'), node.binary);
  const { sources } = await buildGateway({ folder: tree, platform: target, version });
  const packages = packagesInside(sources, lock);
  await writeFile(join(tree, 'LICENSES.txt'), await writeLicences(root, node.licence, packages));
  const bill = {
    ...{ version, target, commit, committed, packages, license: 'Apache-2.0' },
    // This process is the Node of the release, though maybe for another machine.
    node: { versions: process.versions, sha256: sha256(node.binary) },
  };
  await writeFile(join(tree, 'sbom.cdx.json'), writeBill(bill));
  const launcher = launcherNumber(await readFile(join(tree, 'launcher/loadline-launch'), 'utf8'));
  const facts = { version, target, commit, committed, node: node.version, healthSeconds, launcher };
  const manifest = await packRelease(fresh, facts, tell);

  const debian = await writeDebianPackage(tree, manifest, additions);
  tell(`${debian.name}, ${megabytes(debian.content.length)}`);
  await writeFile(join(fresh, debian.name), debian.content);
  await settle(fresh, manifest);

  await rm(folder, { recursive: true, force: true });
  await rename(fresh, folder);
  const plain = manifest.files.reduce((sum, { length }) => sum + length, 0);
  const packed = manifest.files.reduce((sum, file) => sum + file.packed.length, 0);
  tell(`${manifest.files.length} files, ${megabytes(plain)}, packed ${megabytes(packed)}: ${folder}`);
  return { folder, manifest, debian: join(folder, debian.name) };
}

async function versionOfSources(root: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(root, 'device-runtime/package.json'), 'utf8'));
  return (manifest as { version: string }).version;
}

/** What is not committed makes a version one that comes before it: `1.4.0-dirty.d1a2b3c4`. */
function versionOf(version: string, dirty: string | undefined): string {
  if (dirty === undefined) return version;
  return `${version}${version.includes('-') ? '.' : '-'}dirty.${dirty}`;
}

async function additionsOf({ trust, maker }: Order): Promise<Additions> {
  const additions = new Map<string, Uint8Array>();
  if (trust !== undefined) {
    const content = await readGiven('--trust', trust);
    if (!isRoot(content)) {
      throw new CalledWrongly(`--trust ${trust} is no root of a repository: give its metadata/1.root.json`);
    }
    additions.set('trust/root.json', content);
  }
  if (maker !== undefined) {
    const content = await readGiven('--maker', maker);
    if (!content.includes('-----BEGIN CERTIFICATE-----')) {
      throw new CalledWrongly(`--maker ${maker} has no certificate (PEM) in it`);
    }
    additions.set('maker.pem', content);
  }
  return additions;
}

async function readGiven(option: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new CalledWrongly(`${option} ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

function isRoot(content: Buffer): boolean {
  try {
    const { signed } = JSON.parse(content.toString()) as { signed?: { _type?: string } };
    return signed?._type === 'root';
  } catch {
    return false;
  }
}

/** The number in the launcher, by which it is told from an older one. */
function launcherNumber(script: string): number {
  const [, number] = /^version=([1-9]\d*)$/m.exec(script) ?? [];
  if (number === undefined)
    throw new Error('device-runtime/launcher/loadline-launch has no line version=<number>');
  return Number(number);
}
