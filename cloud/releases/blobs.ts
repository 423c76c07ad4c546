import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { limits } from '@loadline/sdk/contract';
import { syncFolder } from '@loadline/sdk/platform';
import { ReleaseError } from '@loadline/sdk/release';

/** Bytes of files that are not whole yet, or of no release, that may lie there. */
const mostWaitingBytes = 4 * 1024 ** 3;

const digestForm = /^[0-9a-f]{64}$/;

/** What is known of a file once a part of it was taken in. */
export interface Taken {
  /** Bytes that are there. */
  readonly from: number;
  /** Whether it is all of it, and its digest is its name. */
  readonly isWhole: boolean;
}

/** A part does not begin where what is there ends: another sender was quicker, or an answer was lost. */
export class OtherPlace extends Error {
  override readonly name = 'OtherPlace';
  readonly from: number;

  constructor(from: number) {
    super(`${from} bytes of it are there: go on from there`);
    this.from = from;
  }
}

/**
 * Files by their digest: what is there under its name is whole, synced, and has that digest. What is still coming lies
 * beside it as `<sha256>.part`, and goes on where it was after any interruption.
 */
export class Blobs {
  readonly #folder: string;
  /** Bytes of those that are whole. */
  readonly #whole = new Map<string, number>();
  /** What is vouched for. */
  #kept: ReadonlySet<string> = new Set();
  /** What is under way for one file, one after the other. */
  readonly #turns = new Map<string, Promise<unknown>>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(folder: string): Promise<Blobs> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const blobs = new Blobs(folder);
    for (const name of await readdir(folder)) {
      if (digestForm.test(name)) blobs.#whole.set(name, (await stat(join(folder, name))).size);
    }
    return blobs;
  }

  /** Where a file lies, or would. @throws RangeError where that is no digest */
  path(sha256: string): string {
    if (!digestForm.test(sha256)) throw new RangeError(`${sha256.slice(0, 80)} is no SHA-256`);
    return join(this.#folder, sha256);
  }

  /** Bytes of a file that is whole; undefined where it is not. */
  length(sha256: string): number | undefined {
    return this.#whole.get(sha256);
  }

  /** Says what is vouched for from now on: all else is waiting for that, has only so much room, and is swept one day. */
  keep(digests: Iterable<string>): void {
    this.#kept = new Set(digests);
  }

  /** Bytes that are there of a file that is not whole. */
  async from(sha256: string): Promise<number> {
    return await sizeOf(`${this.path(sha256)}.part`);
  }

  /**
   * Takes a part of a file. What is whole already is not written again.
   *
   * @param length bytes of the whole file
   * @throws OtherPlace; ReleaseError `file-refused` where it is longer than said or its digest is another, `storage-failed`
   */
  take(part: {
    readonly sha256: string;
    readonly from: number;
    readonly length: number;
    readonly bytes: Uint8Array;
  }): Promise<Taken> {
    const { sha256 } = part;
    const before = this.#turns.get(sha256) ?? Promise.resolve();
    const taken = before.catch(() => {}).then(() => this.#take(part));
    this.#turns.set(sha256, taken);
    const over = () => {
      if (this.#turns.get(sha256) === taken) this.#turns.delete(sha256);
    };
    taken.then(over, over);
    return taken;
  }

  /** Removes what is not kept and has not been touched since `before` (ms since 1970); how many files. */
  async sweep(before: number): Promise<number> {
    let removed = 0;
    for (const name of await readdir(this.#folder)) {
      if (this.#kept.has(name) || this.#turns.has(name.slice(0, 64))) continue;
      const path = join(this.#folder, name);
      if ((await stat(path)).mtimeMs >= before) continue;
      await rm(path, { force: true });
      this.#whole.delete(name);
      removed += 1;
    }
    return removed;
  }

  async #take({ sha256, from, length, bytes }: Parameters<Blobs['take']>[0]): Promise<Taken> {
    const path = this.path(sha256);
    const there = this.#whole.get(sha256);
    if (there !== undefined) return { from: there, isWhole: true };
    const part = `${path}.part`;
    const known = await sizeOf(part);
    if (from !== known) throw new OtherPlace(known);
    if (length > limits.releaseFileBytes || from + bytes.length > length) {
      throw new ReleaseError(
        'file-refused',
        `${sha256}: it is longer than it was said to be, or than it may be`,
      );
    }
    await this.#mustHaveRoom(length - known);
    await append(part, bytes);
    if (from + bytes.length < length) return { from: from + bytes.length, isWhole: false };
    if ((await digestOf(part)) !== sha256) {
      await rm(part, { force: true });
      throw new ReleaseError('file-refused', `${sha256}: what came has another digest: send it anew`);
    }
    await rename(part, path);
    await syncFolder(this.#folder);
    this.#whole.set(sha256, length);
    return { from: length, isWhole: true };
  }

  /** Somebody who sends what nobody signs must not fill the disk. @param more bytes that are still to come */
  async #mustHaveRoom(more: number): Promise<void> {
    let waiting = more;
    for (const [name, length] of this.#whole) if (!this.#kept.has(name)) waiting += length;
    for (const name of await readdir(this.#folder)) {
      if (name.endsWith('.part')) waiting += await sizeOf(join(this.#folder, name));
    }
    if (waiting <= mostWaitingBytes) return;
    throw new ReleaseError(
      'storage-failed',
      'too much lies there that was sent, or begun, and is signed by nobody: it is removed after a week',
    );
  }
}

/** Bytes of a file; 0 where there is none. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

async function append(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'a', 0o600);
  try {
    await file.writeFile(bytes);
    // What is said to be there is there after a power cut, or the next part would be refused for ever.
    await file.sync();
  } catch (error) {
    throw new ReleaseError('storage-failed', (error as Error).message);
  } finally {
    await file.close();
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
