export {
  copySynced,
  isExposed,
  makePrivateFolder,
  readIfThere,
  removeWhole,
  syncFolder,
  writeWhole,
} from './files.ts';
export { jsonLog, type Log, type LogFields } from './log.ts';
export { Secret } from './secret.ts';
