import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateFolder, removeWhole, writeWhole } from '@loadline/sdk/platform';
import { type Keyring, openSealed, SealError, sealValue } from '../keys/index.ts';
import type { Mail } from './mail.ts';

/** A mail on its way. */
export interface Waiting {
  /** UUID: the name of its file, and of its message. */
  readonly id: string;
  readonly mail: Mail;
  /** When it was written, ms since 1970. */
  readonly at: number;
  /** When nobody tries any more, ms since 1970. */
  readonly giveUpAt: number;
}

/**
 * Mails on their way, so that a restart loses none:
 *
 *     mail-queue/<uuid>    0600, written whole; the JSON of a `Waiting`, sealed (`keys/seal.ts`) for its id
 *
 * A mail holds a one-time secret in clear, of which the database has only the hash. So it is kept outside the database
 * and sealed: neither a copy of the database nor one of this folder opens anything without `keys.json`.
 */
export class Spool {
  readonly #folder: string;
  readonly #keys: Keyring;

  private constructor(folder: string, keys: Keyring) {
    this.#folder = folder;
    this.#keys = keys;
  }

  static async open(folder: string, keys: Keyring): Promise<Spool> {
    await makePrivateFolder(folder);
    return new Spool(folder, keys);
  }

  /** Everything that waits, the oldest first, and how many files did not open: those are removed. */
  async load(): Promise<{ readonly waiting: Waiting[]; readonly lost: number }> {
    const waiting: Waiting[] = [];
    let lost = 0;
    for (const id of await readdir(this.#folder)) {
      try {
        const sealed = await readFile(join(this.#folder, id), 'utf8');
        waiting.push(JSON.parse(await openSealed(this.#keys, context(id), sealed)));
      } catch (error) {
        if (!(error instanceof SealError)) throw error;
        // What a power cut left beside its place was never announced as kept.
        if (!id.endsWith('.new')) lost++;
        await this.remove(id);
      }
    }
    return { waiting: waiting.sort((one, other) => one.at - other.at), lost };
  }

  /** Keeps a mail: on disk, synced, when it settles. @throws RangeError where it is too long to be sealed */
  async keep(waiting: Waiting): Promise<void> {
    const sealed = await sealValue(this.#keys, context(waiting.id), JSON.stringify(waiting));
    await writeWhole(join(this.#folder, waiting.id), sealed, 0o600);
  }

  remove(id: string): Promise<void> {
    return removeWhole(join(this.#folder, id));
  }
}

/** Seals the mails that wait in a state folder with the newest key. No cloud may be running on it. */
export async function resealQueue(folder: string, keys: Keyring): Promise<number> {
  const spool = await Spool.open(queueFolder(folder), keys);
  const { waiting } = await spool.load();
  for (const one of waiting) await spool.keep(one);
  return waiting.length;
}

/** Where a state folder keeps the mails that wait. */
export const queueFolder = (folder: string) => join(folder, 'mail-queue');

const context = (id: string) => ({ what: 'waiting-mail', owner: id });
