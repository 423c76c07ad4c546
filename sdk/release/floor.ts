import * as z from 'zod';
import { ReleaseError } from './errors.ts';
import { releaseVersion } from './manifest.ts';
import { compareVersions } from './versions.ts';

/**
 * Where targets metadata says which release is the oldest that may still be taken: a member of its own, beside those that The
 * Update Framework names (specification 1.0, section 4.1: others are passed over by who does not know them, and signed).
 */
export const floorMember = 'oldest_release';

const signedTargets = z.looseObject({ [floorMember]: releaseVersion.optional() });

/**
 * The oldest release that may still be taken; undefined where each may that is signed.
 *
 * @param signed what is signed of targets metadata
 * @throws ReleaseError `metadata-refused` where what stands there is no version: then nothing is known to be above it
 */
export function floorIn(signed: unknown): string | undefined {
  const read = signedTargets.safeParse(signed);
  if (read.success) return read.data[floorMember];
  throw new ReleaseError('metadata-refused', `the targets metadata has an ${floorMember} that is no version`);
}

/** @throws ReleaseError `release-too-old` where a release is older than the floor */
export function mustReachFloor(version: string, floor: string | undefined): void {
  if (floor === undefined || compareVersions(version, floor) >= 0) return;
  throw new ReleaseError(
    'release-too-old',
    `release ${version} is older than ${floor}, the oldest that the release manager lets gateways take`,
  );
}
