import { chmod, link, mkdir, open, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { readIfThere, syncFolder } from '@loadline/sdk/platform';

/**
 * The disk as sites are kept on it, by absolute paths. Contents count once written; names (of files, folders and links
 * made, renamed or removed) only once their folder is synced. That is all POSIX promises, and what `PowerLossDisk` takes
 * at its word.
 */
export interface SiteDisk {
  /** Names in a folder; none where there is no such folder. */
  list(folder: string): Promise<readonly string[]>;
  /** Undefined where there is no such file. */
  read(file: string): Promise<string | undefined>;
  /** Makes a folder for the owner alone, unless it is there. */
  makeFolder(folder: string): Promise<void>;
  /** Writes a file anew, and makes its content last. A cut leaves any part of it. */
  write(file: string, content: string, mode: number): Promise<void>;
  /** Another name for a file. */
  link(file: string, name: string): Promise<void>;
  /** What a symbolic link says; undefined where there is none. */
  pointer(link: string): Promise<string | undefined>;
  point(link: string, target: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, a link, or a folder with all in it; nothing where there is none. */
  remove(path: string): Promise<void>;
  /** Makes the names in a folder last. */
  sync(folder: string): Promise<void>;
}

/** The machine's own disk. */
export const machineDisk: SiteDisk = {
  list: (folder) => readdir(folder).catch(noneIfMissing),
  read: readIfThere,
  makeFolder: async (folder) => {
    await mkdir(folder, { mode: 0o700, recursive: true });
    await chmod(folder, 0o700);
  },
  write: async (file, content, mode) => {
    // What a cut left may have another mode, and open() would keep it.
    await rm(file, { force: true });
    const handle = await open(file, 'wx', mode);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  link,
  pointer: (path) =>
    readlink(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    }),
  point: (path, target) => symlink(target, path),
  rename,
  remove: (path) => rm(path, { recursive: true, force: true }),
  sync: syncFolder,
};

function noneIfMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
