import { join } from 'node:path';

/** Where a cloud's state folder keeps its database, and the key of it where that is in a file. */
export function databaseFiles(folder: string): { readonly database: string; readonly key: string } {
  return { database: join(folder, 'loadline.db'), key: join(folder, 'database.key') };
}
