import { Metadata, TargetFile, Targets } from '@tufjs/models';
import { limits } from '../../contract/index.ts';
import { ReleaseError } from '../errors.ts';
import { floorIn, floorMember, mustReachFloor } from '../floor.ts';
import {
  type ReleaseManifest,
  type ReleaseTarget,
  readManifest,
  releaseTarget,
  releaseVersion,
} from '../manifest.ts';
import { manifestTarget } from '../names.ts';
import { compareVersions } from '../versions.ts';
import { addSignature, isSignedBy, readMetadata, sha256, specVersion, writeMetadata } from './documents.ts';
import type { RoleSigner } from './keys.ts';
import { expiryAt, lifetimes } from './lifetimes.ts';

/** A release that is signed: its manifest, by name and digest. */
export interface SignedRelease {
  readonly version: string;
  readonly target: ReleaseTarget;
  /** Where the manifest is in `targets/` of the repository; its digest is part of its name. */
  readonly path: string;
  /** Bytes of the manifest. */
  readonly length: number;
  readonly sha256: string;
}

/** What targets metadata says. */
export interface TargetsSummary {
  readonly version: number;
  /** ms since 1970 */
  readonly expires: number;
  /** The oldest release that may still be taken; undefined where each may that is signed. */
  readonly floor: string | undefined;
  /** By version as it is sorted by text, then target. */
  readonly releases: readonly SignedRelease[];
}

/** @throws ReleaseError `metadata-refused`, also where it names anything but manifests, hands its right on, or is below its own floor */
export function readTargets(content: string): TargetsSummary {
  const { signed } = readMetadata('targets', content);
  if (signed.delegations !== undefined) {
    throw new ReleaseError(
      'metadata-refused',
      `targets ${signed.version} lets others sign: gateways do not follow that`,
    );
  }
  const releases = Object.values(signed.targets).map(releaseOf);
  releases.sort((a, b) => (a.path < b.path ? -1 : 1));
  const floor = floorIn(signed.unrecognizedFields);
  const below = releases.find(({ version }) => floor !== undefined && compareVersions(version, floor) < 0);
  if (below !== undefined) {
    throw new ReleaseError(
      'metadata-refused',
      `targets ${signed.version} name ${below.version}, below their own floor`,
    );
  }
  return { version: signed.version, expires: Date.parse(signed.expires), floor, releases };
}

function releaseOf({ path, length, hashes }: TargetFile): SignedRelease {
  const [, version, target] = /^releases\/([^/]+)\/([^/]+)\/manifest\.json$/.exec(path) ?? [];
  const known = { version: releaseVersion.safeParse(version), target: releaseTarget.safeParse(target) };
  const digest = hashes.sha256;
  if (
    !known.version.success ||
    !known.target.success ||
    digest === undefined ||
    !/^[0-9a-f]{64}$/.test(digest)
  ) {
    throw new ReleaseError(
      'metadata-refused',
      `the targets metadata names ${path.slice(0, 200)}, which is no manifest by its SHA-256`,
    );
  }
  if (!Number.isSafeInteger(length) || length > limits.releaseManifestBytes) {
    throw new ReleaseError('metadata-refused', `${path} is longer than a manifest may be`);
  }
  return {
    ...{ version: known.version.data, target: known.target.data },
    ...{ path: path.replace(/manifest\.json$/, `${digest}.manifest.json`), length, sha256: digest },
  };
}

/**
 * The manifest that is signed as this release's.
 *
 * @throws ReleaseError `file-refused` where these are other bytes, `manifest-malformed`, `metadata-refused` where it is of another release
 */
export function readSignedManifest(release: SignedRelease, bytes: Uint8Array): ReleaseManifest {
  const { version, target, length } = release;
  if (bytes.length !== length || sha256(bytes) !== release.sha256) {
    throw new ReleaseError(
      'file-refused',
      `these are not the bytes of the manifest of ${version} for ${target} that is signed`,
    );
  }
  const manifest = readManifest(bytes);
  if (manifest.version === version && manifest.target === target) return manifest;
  throw new ReleaseError(
    'metadata-refused',
    `the manifest of ${manifest.version} for ${manifest.target} is signed as ${version} for ${target}`,
  );
}

/** Whether enough keys that the root names have signed the targets: after new keys for them, the same has to be signed anew. */
export function areTargetsSigned(root: string, targets: string): boolean {
  return isSignedBy(readMetadata('root', root), 'targets', readMetadata('targets', targets));
}

/** What to change in what is signed. */
export interface TargetsChange {
  /** Manifests of releases to add, as bytes; one of the same version and target takes its place. */
  readonly add?: readonly Uint8Array[];
  /** Releases to take away. */
  readonly remove?: readonly Pick<SignedRelease, 'version' | 'target'>[];
  /** The oldest release that may be taken from now on: older ones are taken away. It only rises. */
  readonly floor?: string;
}

/**
 * The targets metadata after this one (undefined: the first), signed. Without a change, the same for longer.
 *
 * @throws ReleaseError `release-unknown` where what is to be taken away is not there; `release-too-old` where what is to be added is
 * below the floor, or the floor below that before; `manifest-malformed`; `metadata-refused`
 */
export function nextTargets(
  before: string | undefined,
  change: TargetsChange,
  { signers, now }: { readonly signers: readonly RoleSigner[]; readonly now: number },
): string {
  const old = before === undefined ? undefined : readMetadata('targets', before).signed;
  const had = old && floorIn(old.unrecognizedFields);
  const floor = change.floor ?? had;
  if (floor !== undefined) mustReachFloor(floor, had);
  const next = new Targets({
    specVersion,
    version: (old?.version ?? 0) + 1,
    expires: expiryAt(now + lifetimes.targets),
    targets: { ...old?.targets },
    unrecognizedFields: { ...old?.unrecognizedFields, ...(floor !== undefined && { [floorMember]: floor }) },
  });
  for (const { version, target } of change.remove ?? []) {
    const path = manifestTarget(version, target);
    if (!Object.hasOwn(next.targets, path)) {
      throw new ReleaseError('release-unknown', `no release ${version} for ${target} is signed`);
    }
    delete next.targets[path];
  }
  for (const [path, file] of Object.entries(next.targets)) {
    const { version } = releaseOf(file);
    if (floor !== undefined && compareVersions(version, floor) < 0) delete next.targets[path];
  }
  for (const bytes of change.add ?? []) {
    const { version, target } = readManifest(bytes);
    mustReachFloor(version, floor);
    const path = manifestTarget(version, target);
    next.addTarget(new TargetFile({ path, length: bytes.length, hashes: { sha256: sha256(bytes) } }));
  }
  const document = new Metadata(next);
  for (const signer of signers) addSignature(document, signer);
  return writeMetadata(document);
}
