export { type ReleaseCode, ReleaseError, releaseCodes } from './errors.ts';
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
