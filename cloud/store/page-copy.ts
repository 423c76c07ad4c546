import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import type { Connection } from './database.ts';

/**
 * The writer's part in a copy of the database file that somebody else takes while writes go on, without a long read
 * that would keep the log from being folded, and without a page passing through this thread.
 *
 * In write-ahead logging the file itself changes only when the log is folded into it. While a copy is taken, the writer
 * folds the log itself, and notes the pages that it is about to change: the copier takes the file as it is, then the
 * noted pages again, then those that were noted meanwhile, until there are few. Then the log is folded once more, and
 * not again (`hold`) until the few are copied: then the copy is the file as it was at that moment. What the copier reads
 * of a page that is just being written does not matter, since the page is noted.
 */

/** Log that is folded while a copy is taken, in bytes: as much as the engine would let it become by itself. */
const foldBytes = 4 * 1024 * 1024;

/** Log at which a held copy is given up: whoever takes it is too slow, or has gone. */
const mostHeldBytes = 256 * 1024 * 1024;

/** Pages told in one answer at most. */
const pagesAnAnswer = 16_384;

/** What a copier asks the writer. */
export type CopyQuestion = 'begin' | 'changed' | 'hold' | 'end';

export type CopyAnswer =
  /** The file may be copied, so many bytes of it. */
  | { readonly kind: 'begun'; readonly bytes: number; readonly pageBytes: number }
  /** Pages, from 0, as [first, last], that changed since they were told last; `more`: ask again. */
  | {
      readonly kind: 'changed';
      readonly pages: readonly (readonly [number, number])[];
      readonly more: boolean;
    }
  /** The file stays as it is until `end`. `busy`: a reader is in the way, ask again in a moment. */
  | { readonly kind: 'held'; readonly bytes: number }
  | { readonly kind: 'busy' }
  /** `whole`: the file stayed as it was while it was held. */
  | { readonly kind: 'ended'; readonly whole: boolean };

/** Notes what changes in the file while a copy is taken. Lives in the writer's thread. */
export class PageCopy {
  readonly #connection: Connection;
  readonly #file: string;
  readonly #pageBytes: number;
  /** A bit a page: some 3 MB for 100 GB. */
  #noted = new Uint8Array(0);
  #state: 'idle' | 'copying' | 'held' | 'given-up' = 'idle';
  #folding = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#file = connection.name;
    this.#pageBytes = connection.pragma('page_size', { simple: true }) as number;
  }

  answer(question: CopyQuestion): CopyAnswer {
    switch (question) {
      case 'begin': {
        this.#end();
        this.#state = 'copying';
        this.#folding = this.#connection.pragma('wal_autocheckpoint', { simple: true }) as number;
        this.#connection.pragma('wal_autocheckpoint = 0');
        this.#noted = new Uint8Array(0);
        return { kind: 'begun', bytes: statSync(this.#file).size, pageBytes: this.#pageBytes };
      }
      case 'changed':
        return { kind: 'changed', ...this.#take() };
      case 'hold': {
        if (this.#state !== 'copying' || !this.#fold()) return { kind: 'busy' };
        this.#state = 'held';
        return { kind: 'held', bytes: statSync(this.#file).size };
      }
      case 'end': {
        const whole = this.#state === 'held';
        this.#end();
        return { kind: 'ended', whole };
      }
    }
  }

  /** To be called after each commit. */
  committed(): void {
    if (this.#state === 'idle') return;
    const bytes = this.#logBytes();
    if (this.#state === 'held' && bytes > mostHeldBytes) this.#state = 'given-up';
    if (this.#state !== 'held' && bytes > foldBytes) this.#fold();
  }

  #end(): void {
    if (this.#state === 'idle') return;
    this.#state = 'idle';
    this.#noted = new Uint8Array(0);
    this.#connection.pragma(`wal_autocheckpoint = ${this.#folding}`);
  }

  /** Folds the log into the file, having noted the pages in it; whether all of it is folded. Never waits for readers. */
  #fold(): boolean {
    this.#note();
    const [done] = this.#connection.pragma('wal_checkpoint(PASSIVE)') as {
      busy: number;
      log: number;
      checkpointed: number;
    }[];
    return done !== undefined && done.busy === 0 && done.log === done.checkpointed;
  }

  /** Bytes of the log that are not in the file yet; the log's own file never becomes smaller. */
  #logBytes(): number {
    const [state] = this.#connection.pragma('wal_checkpoint(NOOP)') as {
      log: number;
      checkpointed: number;
    }[];
    return state === undefined ? 0 : (state.log - state.checkpointed) * this.#pageBytes;
  }

  /**
   * Notes every page of the log: a header of 32 bytes, then frames of 24 bytes and a page each; a frame's first four bytes
   * are its page, its third and fourth words the salts of the header it belongs to (sqlite.org/fileformat2.html#walformat).
   * Frames of a transaction that was undone are noted too, which costs no more than copying a page twice.
   */
  #note(): void {
    const log = openLog(`${this.#file}-wal`);
    if (log === undefined) return;
    try {
      const frameBytes = 24 + this.#pageBytes;
      const frames = Math.floor((fstatSync(log).size - 32) / frameBytes);
      const [header, frame] = [Buffer.alloc(32), Buffer.alloc(16)];
      if (readSync(log, header, 0, 32, 0) < 32) return;
      for (let index = 0; index < frames; index++) {
        readSync(log, frame, 0, 16, 32 + index * frameBytes);
        // The rest is of an earlier round through the file.
        if (frame.compare(header, 16, 24, 8, 16) !== 0) break;
        this.#noteOne(frame.readUInt32BE(0) - 1);
      }
    } finally {
      closeSync(log);
    }
  }

  #noteOne(page: number): void {
    const at = page >> 3;
    if (at >= this.#noted.length) {
      const grown = new Uint8Array(Math.max(at + 1, this.#noted.length * 2, 4096));
      grown.set(this.#noted);
      this.#noted = grown;
    }
    this.#noted[at] = (this.#noted[at] ?? 0) | (1 << (page & 7));
  }

  #take(): { pages: [number, number][]; more: boolean } {
    const pages: [number, number][] = [];
    let count = 0;
    for (let at = 0; at < this.#noted.length; at++) {
      const bits = this.#noted[at] as number;
      if (bits === 0) continue;
      if (count >= pagesAnAnswer) return { pages, more: true };
      this.#noted[at] = 0;
      for (let bit = 0; bit < 8; bit++) {
        if ((bits & (1 << bit)) === 0) continue;
        const page = at * 8 + bit;
        const last = pages.at(-1);
        if (last !== undefined && last[1] === page - 1) last[1] = page;
        else pages.push([page, page]);
        count++;
      }
    }
    return { pages, more: false };
  }
}

function openLog(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
