export { type Addition, type CheckedAddition, checkAddition } from './addition.ts';
export { type FolderMetadata, readRepositoryFolder, writeMetadataFiles } from './folder.ts';
export {
  keyIdOf,
  makeRoleKey,
  type RoleKey,
  type RoleName,
  type RoleSigner,
  roleKey,
  roleName,
  roleNames,
  roleSigner,
} from './keys.ts';
export { lifetimes } from './lifetimes.ts';
export { type CurrentMetadata, type NamedMetadata, resign } from './online.ts';
export {
  firstRoot,
  followRoots,
  type MissingSignatures,
  missingSignatures,
  nextRoot,
  type RoleKeys,
  type RootKeys,
  type RootSummary,
  readRoot,
  signRoot,
} from './root.ts';
export {
  areTargetsSigned,
  nextTargets,
  readSignedManifest,
  readTargets,
  type SignedRelease,
  type TargetsChange,
  type TargetsSummary,
} from './targets.ts';
