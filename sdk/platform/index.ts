export { isExposed, makePrivateFolder, readIfThere, removeWhole, writeWhole } from './files.ts';
export { jsonLog, type Log, type LogFields } from './log.ts';
