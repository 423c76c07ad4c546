export { fileOnly, heldKey, type KeySources, openingKey, takeKeySources } from './database-key.ts';
export { databaseFiles } from './files.ts';
export { rekeyCommand } from './rekey-command.ts';
