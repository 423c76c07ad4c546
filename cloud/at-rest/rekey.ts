import { existsSync, readFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { copySynced, removeWhole, syncFolder, writeWhole } from '@loadline/sdk/platform';
import { foldLog, opensWith, rekeyDatabase } from '../store/index.ts';
import { databaseFiles } from './files.ts';

/**
 * Another key for the database, such that a power cut at any moment leaves a folder that opens.
 *
 *     1  fold the log into the file                  old key
 *     2  copy it to rekey.db, encrypt that anew      old key   rekey.db is a draft
 *     3  write database.key.next                     old key   both keys are on disk
 *     4  rename rekey.db over loadline.db            NEW KEY   the one moment that counts
 *     5  rename database.key.next over database.key  new key
 *
 * The next start does what is missing: where the database opens with `database.key.next`, step 5; else it drops
 * the drafts. Whoever looks into the folder tries the same, and touches nothing.
 */

/** The files of a change of key under way. */
function drafts(folder: string): { readonly database: string; readonly key: string } {
  return { database: join(folder, 'rekey.db'), key: join(folder, 'database.key.next') };
}

/** What a change that was broken off left behind, and which key is the database's now. */
export type Recovered = 'nothing' | 'old-key' | 'new-key';

/** The key that a broken off change was about to bring; undefined where there is none. */
export function pendingKey(folder: string): string | undefined {
  const { key } = drafts(folder);
  return existsSync(key) ? readFileSync(key, 'utf8').trim() : undefined;
}

/** Ends what a broken off change left behind. The folder must be taken. */
export async function finishRekey(folder: string): Promise<Recovered> {
  const { database, key } = databaseFiles(folder);
  const draft = drafts(folder);
  const pending = pendingKey(folder);
  if (pending !== undefined && opensWith({ file: database, key: pending })) {
    await rename(draft.key, key);
    await syncFolder(folder);
    return 'new-key';
  }
  if (pending === undefined && !existsSync(draft.database)) return 'nothing';
  for (const ending of ['', '-journal', '-wal', '-shm'])
    await rm(`${draft.database}${ending}`, { force: true });
  await removeWhole(draft.key);
  return 'old-key';
}

/**
 * Encrypts the database with another key. The folder must be taken, and nothing be left of an earlier change.
 *
 * @param where `file`: `database.key` gets the new key; `elsewhere`: whoever gave the old one gives the new one from now on
 * @param reached told of each step before it is taken
 */
export async function rekey(
  folder: string,
  keys: { readonly old: string; readonly next: string; readonly where: 'file' | 'elsewhere' },
  reached: (step: 1 | 2 | 3 | 4 | 5 | 6) => void,
): Promise<void> {
  const { database, key } = databaseFiles(folder);
  const draft = drafts(folder);
  reached(1);
  foldLog({ file: database, key: keys.old });
  reached(2);
  await copySynced(database, draft.database);
  rekeyDatabase({ file: draft.database, key: keys.old }, keys.next);
  reached(3);
  if (keys.where === 'file') await writeWhole(draft.key, `${keys.next}\n`, 0o600);
  reached(4);
  await rename(draft.database, database);
  await syncFolder(dirname(database));
  reached(5);
  if (keys.where === 'file') {
    await rename(draft.key, key);
    await syncFolder(folder);
  }
  reached(6);
}
