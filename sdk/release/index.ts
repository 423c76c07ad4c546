export { type ReleaseCode, ReleaseError, releaseCodes } from './errors.ts';
export { floorIn, floorMember, mustReachFloor } from './floor.ts';
export {
  type ReleaseFile,
  type ReleaseManifest,
  type ReleaseTarget,
  readManifest,
  releaseTarget,
  releaseTargets,
  releaseVersion,
  writeManifest,
} from './manifest.ts';
export { blobPath, manifestTarget, repository, updatePath } from './names.ts';
export { compareVersions } from './versions.ts';
