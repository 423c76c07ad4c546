export { type Backoff, backoffDelay, type Ended, failuresAfter } from './backoff.ts';
export {
  copySynced,
  isExposed,
  makePrivateFolder,
  openRegular,
  readIfThere,
  readRegular,
  removeWhole,
  syncFolder,
  writeWhole,
} from './files.ts';
export { FolderInUse, isLockName, lockFolder } from './lock.ts';
export { jsonLog, type Log, type LogFields } from './log.ts';
export { preSharedKey } from './pre-shared-key.ts';
export { Secret } from './secret.ts';
