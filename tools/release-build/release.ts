import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildGateway } from '@loadline/device-runtime/build';
import { type ReleaseManifest, type ReleaseTarget, releaseVersion } from '@loadline/sdk/release';
import { CalledWrongly } from '../cloud/outcome.ts';
import { additionsOf, type GivenFiles } from './additions.ts';
import { packagesInside } from './contents.ts';
import { writeDebianPackage } from './debian-package.ts';
import { writeLicences } from './licences.ts';
import { Lock } from './lock.ts';
import { nodeFor } from './node-binary.ts';
import { megabytes, packRelease, settle, sha256 } from './pack.ts';
import { writeBill } from './sbom.ts';
import { readSources } from './sources.ts';
import { inTurn } from './turns.ts';

/** What is to be built. */
export interface Order extends GivenFiles {
  readonly target: ReleaseTarget;
  /** Where the folder of the release is put; by default `dist/release` in the checkout. */
  readonly out?: string;
  /** Its version, where that is not the one of the sources. */
  readonly as?: string;
  readonly healthSeconds: number;
  readonly allowDirty: boolean;
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
  mustBeNode(lock.at(`node_modules/node-${target}`).version);
  const additions = await additionsOf(order);
  const name = `loadline-gateway-${version}-${target}`;
  tell(`${name}, from ${commit.slice(0, 12)}${dirty === undefined ? '' : ' and what is not committed'}`);

  const commitOf = { version, target, commit, committed };
  return await inTurn(out, tell, () =>
    putWhole(join(out, name), tell, async (fresh) => {
      const tree = join(fresh, 'tree');
      const { node, launcher } = await fillTree(tree, { root, lock, ...commitOf }, tell);
      const manifest = await packRelease(fresh, { ...commitOf, node, healthSeconds, launcher }, tell);
      const debian = await writeDebianPackage(tree, manifest, additions);
      tell(`${debian.name}, ${megabytes(debian.content.length)}`);
      await writeFile(join(fresh, debian.name), debian.content);
      return { manifest, debian: debian.name };
    }),
  );
}

/** Makes a release beside its place, and puts it there whole. What an interrupted build left is taken away by the next. */
async function putWhole(
  folder: string,
  tell: (line: string) => void,
  make: (fresh: string) => Promise<Omit<Built, 'folder'>>,
): Promise<Built> {
  const fresh = `${folder}.new`;
  await rm(fresh, { recursive: true, force: true });
  try {
    const { manifest, debian } = await make(fresh);
    await settle(fresh, manifest);
    await rm(folder, { recursive: true, force: true });
    await rename(fresh, folder);
    const plain = manifest.files.reduce((sum, { length }) => sum + length, 0);
    const packed = manifest.files.reduce((sum, file) => sum + file.packed.length, 0);
    tell(`${manifest.files.length} files, ${megabytes(plain)}, packed ${megabytes(packed)}: ${folder}`);
    return { folder, manifest, debian: join(folder, debian) };
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
}

interface TreeSources extends Pick<ReleaseManifest, 'version' | 'target' | 'commit' | 'committed'> {
  readonly root: string;
  readonly lock: Lock;
}

/** Puts into `tree` all that a release has but its manifest; gives what that says of it. */
async function fillTree(
  tree: string,
  { root, lock, ...facts }: TreeSources,
  tell: (line: string) => void,
): Promise<Pick<ReleaseManifest, 'node' | 'launcher'>> {
  await mkdir(join(tree, 'bin'), { recursive: true });
  const { version, target } = facts;
  const node = await nodeFor(target, lock, root, tell);
  await writeFile(join(tree, 'bin/node'), node.binary);
  const { sources } = await buildGateway({ folder: tree, platform: target, version });
  const packages = packagesInside(sources, lock);
  await writeFile(join(tree, 'LICENSES.txt'), await writeLicences(root, node.licence, packages));
  // This process is the Node of the release, though maybe for another machine.
  const inside = { versions: process.versions, sha256: sha256(node.binary) };
  const bill = writeBill({ ...facts, license: 'Apache-2.0', packages, node: inside });
  await writeFile(join(tree, 'sbom.cdx.json'), bill);
  const launcher = launcherNumber(await readFile(join(tree, 'launcher/loadline-launch'), 'utf8'));
  return { node: node.version, launcher };
}

/** @throws CalledWrongly where this process is another Node than the release brings */
function mustBeNode(version: string): void {
  if (process.versions.node === version) return;
  throw new CalledWrongly(
    `this is Node ${process.versions.node}, and a release is packed by the Node that it brings (${version}), or its ` +
      "bytes would be others: run 'npm ci' without --omit=optional, on Linux x64 or arm64",
  );
}

async function versionOfSources(root: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(root, 'device-runtime/package.json'), 'utf8'));
  return (manifest as { version: string }).version;
}

/** What is not committed makes a version one that comes before it: `1.4.0-dirty.d1a2b3c4`. */
function versionOf(version: string, dirty: string | undefined): string {
  if (dirty === undefined) return version;
  const marked = `${version}${version.includes('-') ? '.' : '-'}dirty.${dirty}`;
  if (releaseVersion.safeParse(marked).success) return marked;
  throw new CalledWrongly(
    `${marked}, as it is with --allow-dirty, is too long a version: give a shorter one`,
  );
}

/** The number in the launcher, by which it is told from an older one. */
function launcherNumber(script: string): number {
  const [, number] = /^version=([1-9]\d*)$/m.exec(script) ?? [];
  if (number === undefined)
    throw new Error('device-runtime/launcher/loadline-launch has no line version=<number>');
  return Number(number);
}
