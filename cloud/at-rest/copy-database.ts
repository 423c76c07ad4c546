import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as elapsed } from 'node:timers/promises';
import type { CopyAnswer, CopyQuestion } from '../store/index.ts';

/** Bytes read and written at once: what a copy costs in memory. */
const pieceBytes = 1024 * 1024;

/** Changed pages that are copied while the file is held: so few take no time worth mentioning. */
const fewPages = 2048;

/** Rounds after which the file is held however many pages are left. */
const mostRounds = 30;

/** How long to wait for readers that are in the way of the last step, in ms, and how often to look. */
const patience = 60_000;
const lookEvery = 20;

/** Asks the writer of the database. */
export type AskWriter = (question: CopyQuestion) => Promise<CopyAnswer>;

/**
 * Copies a database that is being written: see `PageCopy`. The copy is the database as it was at one moment, near the
 * end, and is on disk when this resolves.
 *
 * @param told of bytes copied and bytes there are, every now and then
 * @throws Error where the writer ended, or was in the way for too long
 */
export async function copyDatabase(
  from: string,
  to: string,
  ask: AskWriter,
  told: (copied: number, bytes: number) => void,
): Promise<void> {
  const source = await open(from, 'r');
  const target = await open(to, 'wx', 0o600);
  try {
    const begun = expect(await ask('begin'), 'begun');
    const copier = new Copier(source, target, begun.pageBytes);
    for (let at = 0; at < begun.bytes; at += pieceBytes) {
      await copier.copy(at, Math.min(begun.bytes, at + pieceBytes));
      told(Math.min(begun.bytes, at + pieceBytes), begun.bytes);
    }
    for (let round = 0; round < mostRounds; round++) {
      if ((await copyChanged(copier, ask)) <= fewPages) break;
    }
    // What is to be synced after this is little: while the file is held, the log cannot be folded.
    await target.sync();
    const bytes = await hold(ask);
    await copyChanged(copier, ask);
    await target.truncate(bytes);
    if (!expect(await ask('end'), 'ended').whole) {
      throw new Error(
        'the last pages could not be copied in time: the disk is too slow for what is written meanwhile',
      );
    }
    await target.sync();
    told(bytes, bytes);
  } finally {
    await Promise.all([source.close(), target.close()]);
  }
}

class Copier {
  readonly #source: FileHandle;
  readonly #target: FileHandle;
  readonly #pageBytes: number;
  readonly #piece = Buffer.allocUnsafe(pieceBytes);

  constructor(source: FileHandle, target: FileHandle, pageBytes: number) {
    this.#source = source;
    this.#target = target;
    this.#pageBytes = pageBytes;
  }

  /** Copies bytes from `at` up to `end`, as far as there are any. */
  async copy(at: number, end: number): Promise<void> {
    for (let done = at; done < end; ) {
      const length = Math.min(pieceBytes, end - done);
      const { bytesRead } = await this.#source.read(this.#piece, 0, length, done);
      if (bytesRead === 0) return;
      for (let written = 0; written < bytesRead; ) {
        const { bytesWritten } = await this.#target.write(
          this.#piece,
          written,
          bytesRead - written,
          done + written,
        );
        written += bytesWritten;
      }
      done += bytesRead;
    }
  }

  /** Copies pages, from 0; how many. */
  async pages(ranges: readonly (readonly [number, number])[]): Promise<number> {
    let count = 0;
    for (const [first, last] of ranges) {
      await this.copy(first * this.#pageBytes, (last + 1) * this.#pageBytes);
      count += last - first + 1;
    }
    return count;
  }
}

/** Copies every page that changed until now; how many. */
async function copyChanged(copier: Copier, ask: AskWriter): Promise<number> {
  let count = 0;
  for (;;) {
    const { pages, more } = expect(await ask('changed'), 'changed');
    count += await copier.pages(pages);
    if (!more) return count;
  }
}

/** Has the file stay as it is; its bytes. */
async function hold(ask: AskWriter): Promise<number> {
  for (const end = performance.now() + patience; performance.now() < end; ) {
    const answer = await ask('hold');
    if (answer.kind === 'held') return answer.bytes;
    await elapsed(lookEvery);
  }
  throw new Error(
    `the log could not be folded for ${patience / 1000} s: something reads the database without end`,
  );
}

function expect<K extends CopyAnswer['kind']>(answer: CopyAnswer, kind: K): Extract<CopyAnswer, { kind: K }> {
  if (answer.kind === kind) return answer as Extract<CopyAnswer, { kind: K }>;
  throw new Error(`the writer answered ${answer.kind} where ${kind} was asked for`);
}
