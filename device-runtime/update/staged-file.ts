import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '@loadline/sdk/platform';
import { ReleaseError } from '@loadline/sdk/release';

/** What a packed file is. */
export interface Packed {
  readonly length: number;
  readonly sha256: string;
}

/** Bytes after which what was written is synced: more, and the journal's own sync would have to wait for all of it. */
const syncedBytes = 1024 * 1024;
const readBytes = 256 * 1024;

/**
 * A packed file on its way: a part that grows at its end, outlives this process, and is put into its place when its length
 * and its digest are right.
 */
export class StagedFile {
  readonly #packed: Packed;
  readonly #part: string;
  readonly #place: string;
  readonly #file: FileHandle;
  #hash: Hash;
  #length: number;
  #unsynced = 0;

  private constructor(packed: Packed, part: string, place: string, file: FileHandle) {
    this.#packed = packed;
    this.#part = part;
    this.#place = place;
    this.#file = file;
    this.#hash = createHash('sha256');
    this.#length = 0;
  }

  /**
   * Opens the part, or begins one. What is there is read again, since its digest is the whole file's.
   *
   * @throws Error of the disk
   */
  static async open(packed: Packed, part: string, place: string): Promise<StagedFile> {
    // 'a+' would write at the end whatever the position, and 'r+' wants a file.
    const file = await open(part, 'r+').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return open(part, 'wx+', 0o600);
      throw error;
    });
    const staged = new StagedFile(packed, part, place, file);
    try {
      await staged.#readAgain();
    } catch (error) {
      await file.close();
      throw error;
    }
    return staged;
  }

  /** Bytes that are there. */
  get length(): number {
    return this.#length;
  }

  /** Forgets what is there. */
  async begin(): Promise<void> {
    await this.#file.truncate(0);
    this.#hash = createHash('sha256');
    this.#length = 0;
  }

  /** @throws ReleaseError `file-refused` where it would be longer than it may; Error of the disk */
  async append(bytes: Uint8Array): Promise<void> {
    const { length, sha256 } = this.#packed;
    if (this.#length + bytes.length > length) {
      await this.begin();
      throw new ReleaseError(
        'file-refused',
        `blobs/${sha256}: the cloud sends more than its ${length} bytes`,
      );
    }
    let written = 0;
    while (written < bytes.length) {
      const at = this.#length + written;
      written += (await this.#file.write(bytes, written, bytes.length - written, at)).bytesWritten;
    }
    this.#hash.update(bytes);
    this.#length += bytes.length;
    this.#unsynced += bytes.length;
    if (this.#unsynced < syncedBytes) return;
    this.#unsynced = 0;
    await this.#file.datasync();
  }

  /**
   * Puts it into its place, where it is whole.
   *
   * @throws ReleaseError `source-failed` where there is less than all of it; `file-refused` where it is another file, of
   *   which nothing is kept; Error of the disk
   */
  async finish(): Promise<void> {
    const { length, sha256 } = this.#packed;
    if (this.#length < length) {
      throw new ReleaseError(
        'source-failed',
        `blobs/${sha256}: ${this.#length} of ${length} bytes came, and then no more`,
      );
    }
    if (this.#hash.copy().digest('hex') !== sha256) {
      await this.begin();
      throw new ReleaseError('file-refused', `blobs/${sha256}: what came has another digest`);
    }
    await this.#file.sync();
    await rename(this.#part, this.#place);
    await syncFolder(dirname(this.#place));
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #readAgain(): Promise<void> {
    const { size } = await this.#file.stat();
    if (size > this.#packed.length) {
      await this.begin();
      return;
    }
    const room = Buffer.alloc(readBytes);
    for (;;) {
      const { bytesRead } = await this.#file.read(room, 0, room.length, this.#length);
      if (bytesRead === 0) return;
      this.#hash.update(room.subarray(0, bytesRead));
      this.#length += bytesRead;
    }
  }
}

/** Whether a file is there and is that; what is there and is not, is removed. */
export async function isStaged(packed: Packed, place: string): Promise<boolean> {
  const digest = await digestOf(place);
  if (digest === undefined) return false;
  if (digest.length === packed.length && digest.sha256 === packed.sha256) return true;
  await rm(place, { force: true });
  return false;
}

/** Length and digest of a file; undefined where there is none. */
async function digestOf(path: string): Promise<Packed | undefined> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    const hash = createHash('sha256');
    const room = Buffer.alloc(readBytes);
    for (let length = 0; ; ) {
      const { bytesRead } = await file.read(room, 0, room.length, length);
      if (bytesRead === 0) return { length, sha256: hash.digest('hex') };
      hash.update(room.subarray(0, bytesRead));
      length += bytesRead;
    }
  } finally {
    await file.close();
  }
}
