import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { copySynced, makePrivateFolder, readIfThere, syncFolder, writeWhole } from '@loadline/sdk/platform';
import { authorityFolder, heldBy } from '../authority/index.ts';
import { onlineKeysFile } from '../releases/index.ts';
import { foldLog, markFenced, rekeyDatabase, surveyDatabase, takeFolder } from '../store/index.ts';
import { copyDatabase } from './copy-database.ts';
import { askCloud } from './copy-socket.ts';
import { databaseFiles } from './files.ts';
import { backupNames, fileDigest, inside, type Manifest } from './manifest.ts';

export interface BackupOptions {
  /** The state folder, of a cloud at work or not. */
  readonly state: string;
  /** The folder that becomes the backup: nothing is there yet, or an empty folder. */
  readonly to: string;
  /** The key of the database. */
  readonly key: string;
  /** Another key for the copy. */
  readonly copyKey: string | undefined;
  /** ms since 1970. */
  readonly now: () => number;
  /** Told what is being done, and how far it is. */
  readonly told: (step: 'copy' | 'rekey' | 'survey', done: number, of: number) => void;
}

/**
 * Makes a backup of the database: beside its place, synced, and renamed there when it is whole. The copy is fenced before
 * anybody can start a cloud on it.
 */
export async function makeBackup(options: BackupOptions): Promise<Manifest> {
  const { state, to, key, copyKey, now, told } = options;
  await mustBeFree(to);
  const draft = `${resolve(to)}.unfinished`;
  await rm(draft, { recursive: true, force: true });
  await makePrivateFolder(draft);
  const file = join(draft, backupNames.database);
  try {
    await copyOut(state, file, key, (done, of) => told('copy', done, of));
    const made = now();
    markFenced({ file, key }, made);
    if (copyKey !== undefined) {
      told('rekey', 0, 1);
      rekeyDatabase({ file, key }, copyKey);
    }
    told('survey', 0, 1);
    const survey = surveyDatabase({ file, key: copyKey ?? key });
    await removeEngineFiles(file);
    const manifest: Manifest = {
      format: 1,
      made: new Date(made).toISOString(),
      inside: [...inside],
      database: {
        file: backupNames.database,
        bytes: (await stat(file)).size,
        sha256: await fileDigest(file),
        key: copyKey === undefined || copyKey === key ? 'of-the-cloud' : 'another',
      },
      survey: structuredClone(survey) as Manifest['survey'],
      needs: await needsOf(state),
    };
    await writeWhole(join(draft, backupNames.manifest), `${JSON.stringify(manifest, null, 2)}\n`, 0o600);
    await rm(to, { recursive: true, force: true });
    await rename(draft, to);
    await syncFolder(dirname(resolve(to)));
    return manifest;
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

/** Copies the keys, which open what backups hold, into a folder of their own: never into, or beside, a backup. */
export async function copyKeys(state: string, to: string, backup: string): Promise<void> {
  const [keys, backups] = [resolve(to), resolve(backup)];
  if (`${keys}/`.startsWith(`${backups}/`) || `${backups}/`.startsWith(`${keys}/`)) {
    throw new Error('--keys-to is within --to, or around it: who finds one must not find the other');
  }
  await mustBeFree(to);
  for (const name of keyFolders) await makePrivateFolder(join(to, name));
  await makePrivateFolder(to);
  for (const name of keyFiles) {
    if (existsSync(join(state, name))) await copySynced(join(state, name), join(to, name));
  }
}

/**
 * The files of a state folder that open or prove something, and are in no backup of the database. `authority.key.pem` is there
 * only until a cloud has taken over a folder from before keys were sealed.
 */
export const keyFiles = [
  'database.key',
  'keys.json',
  ...['authority.json', 'authority.pem', 'authority.key.pem'].map((name) => join('authority', name)),
  onlineKeysFile,
] as const;

/** The folders that they are in. */
export const keyFolders = ['authority', 'releases'] as const;

/** Refuses what is there already: no backup takes the place of another, and no restore that of a cloud. */
export async function mustBeFree(folder: string): Promise<void> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error.code === 'ENOTDIR'
      ? new Error(`${folder} is a file: name a folder that is not there yet`)
      : error;
  });
  if (entries.length > 0) throw new Error(`${folder} is not empty: name a folder that is not there yet`);
  await mkdir(dirname(resolve(folder)), { recursive: true });
}

async function copyOut(
  state: string,
  file: string,
  key: string,
  told: (copied: number, bytes: number) => void,
): Promise<void> {
  const { database } = databaseFiles(state);
  if (!existsSync(database)) {
    throw new Error(`${state} is not the state folder of a cloud: ${database} is missing`);
  }
  const leave = taken(state);
  if (leave === undefined) {
    const cloud = await askCloud(state);
    try {
      await copyDatabase(database, file, cloud.ask, told);
    } finally {
      cloud.close();
    }
    return;
  }
  try {
    foldLog({ file: database, key });
    await copySynced(database, file);
    const { size } = await stat(file);
    told(size, size);
  } finally {
    leave();
  }
}

/** The folder, if nobody is at work on it. */
function taken(state: string): (() => void) | undefined {
  try {
    return takeFolder(state);
  } catch {
    return undefined;
  }
}

/** What the engine leaves beside a database that was only read. */
export async function removeEngineFiles(file: string): Promise<void> {
  for (const ending of ['-wal', '-shm', '-journal']) await rm(`${file}${ending}`, { force: true });
}

async function needsOf(state: string): Promise<Manifest['needs']> {
  const keys = await readIfThere(join(state, 'keys.json'));
  const authority = join(state, 'authority', 'authority.pem');
  const { roots, issuers } = await heldBy(authorityFolder(state));
  return {
    keys: keys === undefined ? null : ringIds(keys),
    authority: existsSync(authority) ? await fileDigest(authority) : null,
    authorities: [...roots, ...issuers.slice(0, 1)].map(({ details }) => details.fingerprint),
  };
}

/** The ids of the versions in a `keys.json`, by ring. Nothing of its keys gets into an error. */
export function ringIds(text: string): Record<string, string[]> {
  try {
    const { rings } = JSON.parse(text) as { rings: Record<string, { id: string }[]> };
    return Object.fromEntries(
      Object.entries(rings).map(([ring, versions]) => [ring, versions.map(({ id }) => id)]),
    );
  } catch {
    throw new Error('keys.json is not what the cloud wrote');
  }
}

/** The text of a file, trimmed. */
export async function keyText(path: string): Promise<string> {
  return (await readFile(path, 'utf8')).trim();
}
