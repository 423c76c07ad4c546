import { chmod, copyFile, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Windows has neither modes nor folders that can be synced; its own access lists decide there. */
const posix = process.platform !== 'win32';

/** Makes `folder` if it is not there, and its owner's alone whether it was or not. */
export async function makePrivateFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first !== undefined) {
    // Each new folder's name is in the one above it, and lasts when that is synced.
    const end = dirname(resolve(first));
    for (let made = resolve(folder); made !== end; made = dirname(made)) await syncFolder(dirname(made));
  }
  if (posix) await chmod(folder, 0o700);
}

/**
 * Writes a whole file or none of it: beside its place, synced, renamed over it, and the folder synced. After a power
 * cut there is the old content or the new. `mode` holds from the first byte.
 */
export async function writeWhole(path: string, content: string, mode: number): Promise<void> {
  const beside = `${path}.new`;
  // What a cut left behind may have another mode, and open() would keep it.
  await rm(beside, { force: true });
  const file = await open(beside, 'wx', mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
  await syncFolder(dirname(path));
}

/** Removes a file, and makes sure that it stays removed after a power cut. */
export async function removeWhole(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncFolder(dirname(path));
}

/**
 * Copies a file, for the owner alone, and waits until the copy would survive a power cut. What is at `to` is replaced;
 * a cut in the middle leaves part of it there.
 */
export async function copySynced(from: string, to: string): Promise<void> {
  await rm(to, { force: true });
  await copyFile(from, to);
  const file = await open(to, 'r+');
  try {
    if (posix) await file.chmod(0o600);
    await file.sync();
  } finally {
    await file.close();
  }
  await syncFolder(dirname(to));
}

/** The content of a file; undefined where there is none. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether anybody but the owner may read or write the file. */
export async function isExposed(path: string): Promise<boolean> {
  if (!posix) return false;
  const file = await open(path, 'r');
  try {
    return ((await file.stat()).mode & 0o077) !== 0;
  } finally {
    await file.close();
  }
}

/** Makes sure that what was made, renamed or removed in a folder stays so after a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  if (!posix) return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
