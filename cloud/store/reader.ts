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

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (answer: ReadAnswer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ('error' in answer) waiting?.reject(new Error(answer.error));
      else waiting?.resolve(answer.result);
    });
    const fail = (error: Error) => {
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
    worker.on('error', fail);
    worker.on('exit', () => fail(new Error('the reader thread has ended')));
  }

  /** Opens the database for reading; the writer must have opened it before. */
  static async open(options: DatabaseOptions): Promise<Reader> {
    return new Reader(await startThread('reader-thread', options));
  }

  /** Asks one of the store's questions. */
  read<K extends keyof Reads>(name: K, query: Query<K>): Promise<Result<K>> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.#worker.postMessage({ id, name, query });
    });
  }

  /** Ends the thread once it has answered what was asked. */
  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve));
    this.#worker.postMessage('close');
    await ended;
  }
}
