import { ReleaseError } from '../errors.ts';
import { compareVersions } from '../versions.ts';
import { mustBeSigned, mustNotBeExpired, readMetadata } from './documents.ts';
import { keyIdOf, type RoleKey } from './keys.ts';
import { followRoots, readRoot } from './root.ts';
import { readTargets, type SignedRelease } from './targets.ts';

/** What somebody brings to a repository that another keeps. */
export interface Addition {
  /** Roots that are newer than the one the repository has, in their order; all, from the first on, where it has none. */
  readonly roots: readonly string[];
  /** Newer targets metadata, or the same; undefined where only roots are brought. */
  readonly targets?: string | undefined;
}

/** What the repository is once the addition is in. */
export interface CheckedAddition {
  readonly root: string;
  readonly targets: string;
  /** All that is signed, added or there before. Their manifests (`readSignedManifest`) and blobs have to be there, too. */
  readonly releases: readonly SignedRelease[];
  /** Files for `metadata/` that were not there before, to be written before snapshot and timestamp are signed (`resign`). */
  readonly files: readonly { readonly name: string; readonly content: string }[];
}

/**
 * Whether an addition holds, as gateways would judge it: the roots follow from one another and the last has not ended, enough
 * keys signed the targets and they are not older than those that were in force, and the root names the keys by which this
 * repository signs snapshot and timestamp by itself.
 *
 * @throws ReleaseError `metadata-refused`, `metadata-expired`
 */
export function checkAddition(
  current: { readonly root: string; readonly targets: string } | undefined,
  { roots, targets = current?.targets }: Addition,
  {
    online,
    now,
  }: { readonly online: { readonly snapshot: RoleKey; readonly timestamp: RoleKey }; readonly now: number },
): CheckedAddition {
  const root = followRoots(current?.root, roots);
  const document = readMetadata('root', root);
  mustNotBeExpired(document, now);
  const summary = readRoot(root);
  for (const role of ['snapshot', 'timestamp'] as const) {
    const { keys, threshold } = summary.roles[role];
    const id = keyIdOf(online[role]);
    if (threshold === 1 && keys.some((key) => keyIdOf(key) === id)) continue;
    throw new ReleaseError(
      'metadata-refused',
      `root ${summary.version} does not let the key ${id} sign ${role} alone, by which this cloud signs: 'loadline release rotate --role ${role}' makes one that does`,
    );
  }
  if (targets === undefined) throw new ReleaseError('metadata-refused', 'there is no targets metadata');
  const signed = readMetadata('targets', targets);
  mustBeSigned(document, 'targets', signed);
  mustNotBeExpired(signed, now);
  const { version, releases, floor } = readTargets(targets);
  const isSame = targets === current?.targets;
  if (current !== undefined && !isSame) {
    const before = readTargets(current.targets);
    if (version <= before.version) {
      throw new ReleaseError(
        'metadata-refused',
        `targets ${version} are not newer than targets ${before.version}, which are in force: fetch those, and sign anew`,
      );
    }
    if (before.floor !== undefined && (floor === undefined || compareVersions(floor, before.floor) < 0)) {
      throw new ReleaseError(
        'metadata-refused',
        `targets ${version} let gateways take older releases than ${before.floor}, the oldest until now: that only rises`,
      );
    }
  }
  const files = roots.map((content) => ({ name: `${readRoot(content).version}.root.json`, content }));
  if (!isSame) files.push({ name: `${version}.targets.json`, content: targets });
  return { root, targets, releases, files };
}
