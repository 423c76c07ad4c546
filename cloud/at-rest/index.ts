export { backupCommand } from './backup-command.ts';
export { offerCopies } from './copy-socket.ts';
export { fileOnly, heldKey, type KeySources, openingKey, takeKeySources } from './database-key.ts';
export { databaseFiles } from './files.ts';
export { rekeyCommand } from './rekey-command.ts';
export { restoreCommand } from './restore-command.ts';
