import { mkdir } from 'node:fs/promises';
import { lockFolder } from '@loadline/sdk/platform';
import { ReleaseError } from '@loadline/sdk/release';
import {
  areTargetsSigned,
  type FolderMetadata,
  followRoots,
  keyIdOf,
  nextTargets,
  type RoleName,
  type RoleSigner,
  readRepositoryFolder,
  readRoot,
  readTargets,
  resign,
  type TargetsChange,
  type TargetsSummary,
  writeMetadataFiles,
} from '@loadline/sdk/release/repository';
import { CalledWrongly } from '../cloud/outcome.ts';
import { keysIn, openSigners } from './role-keys.ts';
import { readRootFile } from './root-files.ts';

/** A repository in a folder, to be signed: what is there, and the signers of which there are keys. */
export interface Signing {
  readonly metadata: FolderMetadata;
  readonly root: string;
  /** Whether there are none yet that this root lets sign. */
  readonly areTargetsOpen: boolean;
  signers(role: RoleName): RoleSigner[];
}

/** What takes part in a signing. */
export interface SigningFlags {
  readonly repository: string;
  readonly folder: string;
  readonly passphraseFile?: string;
  /** Newer roots to put into the repository first. */
  readonly root?: readonly string[];
}

/**
 * Signs something in a repository that nobody else signs in meanwhile: of two that begin at the same targets, the later would
 * take away what the earlier had signed.
 *
 * @throws FolderInUse where another process signs in it
 */
export async function whileSigning<T>(
  flags: SigningFlags,
  work: (signing: Signing) => Promise<T>,
): Promise<T> {
  const { repository, root = [] } = flags;
  // A first root makes a repository; else a name that was mistyped would become a folder.
  if (root.length > 0) await mkdir(repository, { recursive: true });
  const leave = await lockFolder(repository).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? noRepository(repository) : error;
  });
  try {
    return await work(await openSigning(flags));
  } finally {
    await leave();
  }
}

/** The targets that are signed. @throws CalledWrongly where there are none yet */
export function signedTargets({ metadata }: Signing, repository: string): TargetsSummary {
  if (metadata.targets !== undefined) return readTargets(metadata.targets);
  throw new CalledWrongly(`nothing is signed in ${repository} yet: 'loadline release sign' first`);
}

function noRepository(repository: string): CalledWrongly {
  return new CalledWrongly(
    `${repository} holds no repository: its first root comes with --root, from 'loadline release init'`,
  );
}

/** Puts newer roots into the repository, and opens the keys in the folder that its newest root names. */
async function openSigning({
  repository,
  folder,
  passphraseFile,
  root: paths = [],
}: SigningFlags): Promise<Signing> {
  const brought = await Promise.all(paths.map(readRootFile));
  brought.sort((a, b) => readRoot(a).version - readRoot(b).version);
  const before = await readRepositoryFolder(repository);
  const newer = brought.filter(
    (root) => before.root === undefined || readRoot(root).version > readRoot(before.root).version,
  );
  if (before.root === undefined && newer.length === 0) throw noRepository(repository);
  const root = followRoots(before.root, newer);
  const { roles } = readRoot(root);
  const named = (role: RoleName) => roles[role].keys.map(keyIdOf);
  const kept = (await keysIn(folder, ['targets', 'snapshot', 'timestamp'])).filter(({ id, role }) =>
    named(role).includes(id),
  );
  const opened = await openSigners(kept, passphraseFile);
  const files = newer.map((content) => ({ name: `${readRoot(content).version}.root.json`, content }));
  await writeMetadataFiles(repository, files);
  const metadata = await readRepositoryFolder(repository);
  return {
    metadata,
    root,
    areTargetsOpen: metadata.targets === undefined || !areTargetsSigned(root, metadata.targets),
    signers: (role) => opened.filter((signer) => named(role).includes(keyIdOf(signer.key))),
  };
}

/** Signs changed targets; then what stands above them, where those keys are here, too. @returns what was written */
export async function signChange(
  { repository, folder }: SigningFlags,
  signing: Signing,
  change: TargetsChange,
  now: number,
): Promise<string[]> {
  const { metadata, root, signers } = signing;
  const { version, roles } = readRoot(root);
  const { threshold, keys } = roles.targets;
  const able = signers('targets');
  if (able.length < threshold) {
    const ids = keys.map((key) => keyIdOf(key).slice(0, 8)).join(', ');
    throw new CalledWrongly(
      `of the keys of targets that root ${version} names (${ids}) ${threshold} must sign, and ${folder} holds ${able.length} of them`,
    );
  }
  const content = nextTargets(metadata.targets, change, { signers: able, now });
  const targets = { name: `${readTargets(content).version}.targets.json`, content };
  await writeMetadataFiles(repository, [targets]);
  return [
    targets.name,
    ...(await signAbove({ repository }, { ...signing, metadata: { ...metadata, targets: content } }, now)),
  ];
}

/** Signs snapshot and timestamp where that is due and their keys are here; else that is for the cloud that has them. */
export async function signAbove(
  { repository }: Pick<SigningFlags, 'repository'>,
  { metadata, root, signers }: Signing,
  now: number,
): Promise<string[]> {
  const [snapshot] = signers('snapshot');
  const [timestamp] = signers('timestamp');
  const { targets } = metadata;
  if (snapshot === undefined || timestamp === undefined) return [];
  if (targets === undefined)
    throw new ReleaseError('metadata-refused', 'there is no targets metadata yet: sign a release');
  const files = resign({ ...metadata, root, targets }, { signers: { snapshot, timestamp }, now });
  await writeMetadataFiles(repository, files);
  return files.map(({ name }) => name);
}
