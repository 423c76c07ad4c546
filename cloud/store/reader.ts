import type { Worker } from 'node:worker_threads';
import type { DatabaseOptions } from './database.ts';
import type { ReadAnswer } from './reader-thread.ts';
import type { Reads } from './reads.ts';
import { startThread } from './threads.ts';

type Query<K extends keyof Reads> = Parameters<Reads[K]>[0];
type Result<K extends keyof Reads> = ReturnType<Reads[K]>;

/** The process's end of the reader thread. */
export class Reader {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  #next = 0;

  #failure: string | undefined;
  #closing = false;

  private constructor(worker: Worker, onFailure: (reason: string) => void) {
    this.#worker = worker;
    worker.on('message', (answer: ReadAnswer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ('error' in answer) waiting?.reject(new Error(answer.error));
      else waiting?.resolve(answer.result);
    });
    const fail = (reason: string) => {
      const expected = this.#failure !== undefined || this.#closing;
      this.#failure ??= reason;
      for (const { reject } of this.#waiting.values()) reject(new Error(reason));
      this.#waiting.clear();
      if (!expected) onFailure(reason);
    };
    worker.on('error', (error) => fail(`a reader thread failed: ${error.message}`));
    worker.on('exit', () => fail('a reader thread has ended'));
  }

  /**
   * Opens the database for reading; the writer must have opened it before. `onFailure` is told when the thread
   * ends though nobody closed it.
   */
  static async open(options: DatabaseOptions, onFailure: (reason: string) => void): Promise<Reader> {
    return new Reader(await startThread('reader-thread', options), onFailure);
  }

  /** Asks one of the store's questions. */
  read<K extends keyof Reads>(name: K, query: Query<K>): Promise<Result<K>> {
    if (this.#failure !== undefined) return Promise.reject(new Error(this.#failure));
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.#worker.postMessage({ id, name, query });
    });
  }

  /** Ends the thread once it has answered what was asked. */
  async close(): Promise<void> {
    if (this.#failure !== undefined) return;
    this.#closing = true;
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve));
    this.#worker.postMessage('close');
    await ended;
  }
}

type Asked = Pick<Reader, 'read' | 'close'>;

/** A reader whose thread starts at its first question: some kinds of questions come late, or never. */
export class LateReader {
  readonly #open: () => Promise<Asked>;
  #reader: Promise<Asked> | undefined;

  constructor(open: () => Promise<Asked>) {
    this.#open = open;
  }

  /** See `Reader.read`. A thread that does not start fails the question; the next one tries again. */
  async read<K extends keyof Reads>(name: K, query: Query<K>): Promise<Result<K>> {
    this.#reader ??= this.#open().catch((error) => {
      this.#reader = undefined;
      throw error;
    });
    return (await this.#reader).read(name, query);
  }

  /** See `Reader.close`. */
  async close(): Promise<void> {
    await this.#reader?.then(
      (reader) => reader.close(),
      () => undefined,
    );
  }
}
