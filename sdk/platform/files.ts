import { constants } from 'node:fs';
import { chmod, copyFile, type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
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
    // The umask may have taken some of it.
    if (posix) await file.chmod(mode);
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

/**
 * Opens a file to read that somebody with fewer rights may have put there, and is put into its place between two looks:
 * without waiting and without following a link, since a pipe would hang its reader, and a link may lead to a file that he
 * may not read himself. What is known of the handle stays so. @returns undefined where nothing is there
 *
 * @param mostBytes of a file that is longer nothing is read
 * @throws Error where it is a link, no regular file, or too long
 */
export async function openRegular(path: string, mostBytes: number): Promise<FileHandle | undefined> {
  // Windows has neither flag.
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    if (error.code === 'ELOOP') throw new Error(`${path} is a link, and no regular file: it is not read`);
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    const about = await file.stat();
    if (!about.isFile()) throw new Error(`${path} is no regular file: it is not read`);
    if (about.size > mostBytes) throw new Error(`${path} is larger than ${mostBytes} bytes: it is not read`);
  } catch (error) {
    await file.close();
    throw error;
  }
  return file;
}

/** All of a file that `openRegular` opens, and not a byte more than it may have. */
export async function readRegular(path: string, mostBytes: number): Promise<Buffer | undefined> {
  const file = await openRegular(path, mostBytes);
  if (file === undefined) return undefined;
  try {
    const room = Buffer.alloc(mostBytes + 1);
    let filled = 0;
    for (;;) {
      const { bytesRead } = await file.read(room, filled, room.length - filled, filled);
      filled += bytesRead;
      if (filled > mostBytes) throw new Error(`${path} is larger than ${mostBytes} bytes: it is not read`);
      if (bytesRead === 0) return room.subarray(0, filled);
    }
  } finally {
    await file.close();
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
