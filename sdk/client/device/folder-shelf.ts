import { close, closeSync, fdatasync, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { open, readdir, readFile, truncate, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { lockFolder, makePrivateFolder, syncFolder } from '../../platform/index.ts';
import { QueueError } from './events.ts';
import { type DeliveryName, type Kept, keyOf, type Shelf } from './shelf.ts';

const suffix = '.readings';
/** Milliseconds after which what was appended is synced, where it is not sent before. */
const syncMilliseconds = 1000;
const namePattern = /^(?<number>\d{1,16})-(?<client>[0-9a-f]{12})\.readings$/;

/**
 * In a folder, a file for each delivery, named by its key:
 *
 *     1795348800000-9f86d081884c.readings
 *         3d9c1c0a temp=21.5@1795348800000     CRC-32 of what follows the space, and one reading (sdk/telemetry/readings-line.ts)
 *
 * A file is only ever appended to, and not any more once it was read to be sent: it is synced first, so that the same key is the
 * same readings after a power cut. What a process is killed over is there: `append` returns when the system has it. The newest
 * file is emptied, not removed, when it is delivered: its number must not be used again, whatever the clock says by then.
 */
export class FolderShelf implements Shelf {
  readonly found: readonly Kept[];
  readonly damaged: number;
  readonly #folder: string;
  readonly #unlock: () => Promise<void>;
  /** The newest file, which is appended to. */
  #tail: { readonly path: string; readonly file: number; bytes: number } | undefined;
  #syncing: NodeJS.Timeout | undefined;
  /** A file that is only there for its number. */
  #emptied: string | undefined;

  private constructor(folder: string, unlock: () => Promise<void>, { kept, damaged }: Contents) {
    this.#folder = folder;
    this.#unlock = unlock;
    this.found = kept;
    this.damaged = damaged;
    const last = kept.at(-1);
    if (last?.readings.length === 0) this.#emptied = this.#pathOf(last.name);
  }

  /** Takes the folder for this process, and reads what is in it. @throws FolderInUse where another has it; Error of the disk */
  static async open(folder: string): Promise<FolderShelf> {
    await makePrivateFolder(folder);
    const unlock = await lockFolder(folder);
    try {
      return new FolderShelf(folder, unlock, await contentsOf(folder));
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  append(name: DeliveryName, readings: readonly string[]): void {
    const path = this.#pathOf(name);
    const bytes = Buffer.from(readings.map((text) => `${checksum(text)} ${text}\n`).join(''));
    try {
      this.#tail = this.#begin(path);
      const tail = this.#tail;
      try {
        for (let written = 0; written < bytes.length; ) {
          written += writeSync(tail.file, bytes, written, bytes.length - written, tail.bytes + written);
        }
      } catch (error) {
        // A full disk takes a part: what follows must not stand behind half a line.
        ftruncateSync(tail.file, tail.bytes);
        throw error;
      }
      tail.bytes += bytes.length;
      this.#syncing ??= setTimeout(() => this.#sync(), syncMilliseconds).unref();
    } catch (error) {
      throw this.#troubled('written', error);
    }
  }

  async seal(name: DeliveryName): Promise<readonly string[]> {
    const path = this.#pathOf(name);
    try {
      return linesIn(await this.#syncNow(path)).readings;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw this.#troubled('read', error);
    }
  }

  remove(name: DeliveryName): void {
    const path = this.#pathOf(name);
    const isNewest = this.#tail === undefined || this.#tail.path === path;
    this.#endTail(path);
    try {
      if (isNewest) {
        this.#forget(this.#emptied);
        // What this leaves after a power cut is sent again, under the same key.
        closeSync(openSync(path, 'w', 0o600));
        this.#emptied = path;
      } else {
        this.#forget(path);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw this.#troubled('written', error);
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#syncing);
    if (this.#tail !== undefined) await this.#syncNow(this.#tail.path);
    await this.#unlock();
  }

  #pathOf(name: DeliveryName): string {
    return join(this.#folder, keyOf(name) + suffix);
  }

  #begin(path: string) {
    if (this.#tail?.path === path) return this.#tail;
    if (this.#tail !== undefined) {
      const { file } = this.#tail;
      fdatasync(file, () => close(file, () => {}));
    }
    const tail = { path, file: openSync(path, 'wx', 0o600), bytes: 0 };
    this.#forget(this.#emptied);
    this.#emptied = undefined;
    return tail;
  }

  #endTail(path: string): void {
    if (this.#tail?.path !== path) return;
    closeSync(this.#tail.file);
    this.#tail = undefined;
  }

  /** Syncs a file to which nothing is appended any more, and reads it. */
  async #syncNow(path: string): Promise<string> {
    this.#endTail(path);
    const file = await open(path, 'r+');
    try {
      await file.sync();
      await syncFolder(this.#folder);
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  }

  #sync(): void {
    this.#syncing = undefined;
    // It may be closed in between: it was synced then. What fails here is found when it is to be sent.
    if (this.#tail !== undefined) {
      fdatasync(this.#tail.file, () => void syncFolder(this.#folder).catch(() => {}));
    }
  }

  #forget(path: string | undefined): void {
    if (path !== undefined) unlinkSync(path);
  }

  #troubled(how: string, error: unknown): QueueError {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOSPC' ? 'its disk is full' : message;
    return new QueueError(`the queue's folder ${this.#folder} cannot be ${how}: ${why}`, { cause: error });
  }
}

interface Contents {
  readonly kept: readonly Kept[];
  readonly damaged: number;
}

/** What is in a folder. A torn end is cut: nobody was told that it is kept. */
async function contentsOf(folder: string): Promise<Contents> {
  const names = (await readdir(folder)).flatMap((file) => {
    const { number, client } = namePattern.exec(file)?.groups ?? {};
    return number === undefined || client === undefined ? [] : [{ number: Number(number), client }];
  });
  names.sort((one, other) => one.number - other.number);
  const kept: Kept[] = [];
  let damaged = 0;
  for (const name of names) {
    const path = join(folder, keyOf(name) + suffix);
    const text = await readFile(path, 'utf8');
    const read = linesIn(text);
    if (read.whole < text.length) await truncate(path, Buffer.byteLength(text.slice(0, read.whole)));
    damaged += read.damaged;
    // Only the newest is kept for its number.
    if (read.whole === 0 && name !== names.at(-1)) await unlink(path);
    else kept.push({ name, readings: read.readings });
  }
  return { kept, damaged };
}

/** Readings that are as they were written, how many lines are not, and characters of whole lines. */
function linesIn(text: string): { readings: string[]; damaged: number; whole: number } {
  const whole = text.lastIndexOf('\n') + 1;
  const lines = whole === 0 ? [] : text.slice(0, whole - 1).split('\n');
  const readings = lines.flatMap((line) =>
    line.slice(0, 9) === `${checksum(line.slice(9))} ` ? [line.slice(9)] : [],
  );
  return { readings, damaged: lines.length - readings.length, whole };
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
