import { closeSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { lockFolder, makePrivateFolder } from '@loadline/sdk/platform';

/**
 * The disk as a journal sees it: one flat folder. What is written counts only once it is synced, and a file's
 * name only once its folder is: that is all POSIX promises, and what `PowerLossFolder` takes at its word.
 */
export interface JournalFolder {
  /** Makes the folder if need be, and takes it for this process. @throws {FolderInUse} where another has it */
  take(): Promise<void>;
  release(): Promise<void>;
  /** Names of all there is in it. */
  list(): Promise<readonly string[]>;
  /** Bytes of a file. @throws where it is none that can be read */
  size(name: string): Promise<number>;
  /** All of a file; into `scratch` where it fits, so that reading a thousand takes no memory for each. */
  read(name: string, scratch?: Buffer): Promise<Buffer>;
  /** Up to `length` bytes from `offset`, at once: a batch that is to be sent is not waited for. */
  readSync(name: string, offset: number, length: number): Buffer;
  /** A new file. @throws where there is one of this name */
  create(name: string): Promise<JournalFile>;
  /** An existing file, or a new one, for writing. */
  open(name: string): Promise<JournalFile>;
  rename(from: string, to: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Makes names last: of files made, renamed and removed. */
  sync(): Promise<void>;
}

export interface JournalFile {
  write(bytes: Uint8Array, position: number): Promise<void>;
  truncate(length: number): Promise<void>;
  /** Makes contents and length last. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** A folder of the machine's own disk. */
export class DiskFolder implements JournalFolder {
  readonly #path: string;
  #unlock: (() => Promise<void>) | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async take(): Promise<void> {
    await makePrivateFolder(this.#path);
    this.#unlock = await lockFolder(this.#path);
  }

  async release(): Promise<void> {
    await this.#unlock?.();
    this.#unlock = undefined;
  }

  list(): Promise<readonly string[]> {
    return readdir(this.#path);
  }

  async size(name: string): Promise<number> {
    const found = await stat(this.#in(name));
    if (!found.isFile()) throw new Error('it is not a file');
    return found.size;
  }

  async read(name: string, scratch?: Buffer): Promise<Buffer> {
    const handle = await open(this.#in(name), 'r');
    try {
      const { size } = await handle.stat();
      if (scratch === undefined || size > scratch.length) return await handle.readFile();
      let got = 0;
      while (got < size) {
        const { bytesRead } = await handle.read(scratch, got, size - got, got);
        if (bytesRead === 0) break;
        got += bytesRead;
      }
      return scratch.subarray(0, got);
    } finally {
      await handle.close();
    }
  }

  readSync(name: string, offset: number, length: number): Buffer {
    const descriptor = openSync(this.#in(name), 'r');
    try {
      const bytes = Buffer.allocUnsafe(length);
      let got = 0;
      while (got < length) {
        const count = readSync(descriptor, bytes, got, length - got, offset + got);
        if (count === 0) break;
        got += count;
      }
      return bytes.subarray(0, got);
    } finally {
      closeSync(descriptor);
    }
  }

  async create(name: string): Promise<JournalFile> {
    return fileOf(await open(this.#in(name), 'wx', 0o600));
  }

  async open(name: string): Promise<JournalFile> {
    try {
      return fileOf(await open(this.#in(name), 'r+'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return this.create(name);
    }
  }

  rename(from: string, to: string): Promise<void> {
    return rename(this.#in(from), this.#in(to));
  }

  remove(name: string): Promise<void> {
    return rm(this.#in(name), { force: true });
  }

  async sync(): Promise<void> {
    const handle = await open(this.#path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  #in(name: string): string {
    return join(this.#path, name);
  }
}

function fileOf(handle: FileHandle): JournalFile {
  return {
    write: async (bytes, position) => {
      let done = 0;
      while (done < bytes.length) {
        const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
        if (bytesWritten === 0) throw new Error('the disk took nothing');
        done += bytesWritten;
      }
    },
    truncate: (length) => handle.truncate(length),
    // The length goes with the data; only times are left out, and they would cost a second write to the card.
    sync: () => handle.datasync(),
    close: () => handle.close(),
  };
}
