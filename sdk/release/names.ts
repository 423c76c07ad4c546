import type { ReleaseTarget } from './manifest.ts';

/**
 * Where a repository has what, relative to its head (`/update/v1` of a cloud, or a folder):
 *
 *     metadata/<n>.root.json  timestamp.json  <n>.snapshot.json  <n>.targets.json
 *     targets/releases/<version>/<target>/<sha256>.manifest.json
 *     blobs/<sha256>                                              one file of a release, packed
 *
 * The first two are The Update Framework's own, with consistent snapshots (specification 1.0, section 6.2). Blobs are not
 * targets: the manifest, which is one, names each by its digest and its length.
 */
export const repository = {
  metadata: 'metadata',
  targets: 'targets',
  blobs: 'blobs',
} as const;

/** Where a cloud has its repository, on its HTTPS port, for gateways with their certificate. */
export const updatePath = '/update/v1';

/** The name of a release's manifest as a target of the repository. */
export function manifestTarget(version: string, target: ReleaseTarget): string {
  return `releases/${version}/${target}/manifest.json`;
}

/** The path of a packed file. */
export function blobPath(sha256: string): string {
  return `${repository.blobs}/${sha256}`;
}
