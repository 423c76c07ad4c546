import { type Log, readIfThere, writeWhole } from '@loadline/sdk/platform';
import type * as z from 'zod';
import { clip } from './hostile.ts';

/** Milliseconds to the next attempt at a write that failed. */
const retryMilliseconds = 10_000;

/** One file of the state folder, as far as it touches the disk. */
export interface KeptFile {
  /** Its content; undefined where there is none. */
  read(): Promise<string | undefined>;
  /** The whole content or none of it; resolves once it would survive a power cut. */
  write(content: string): Promise<void>;
}

/** A file on disk, for the owner alone. */
export function keptFile(path: string): KeptFile {
  return { read: () => readIfThere(path), write: (content) => writeWhole(path, content, 0o600) };
}

export interface StateFileOptions<State> {
  readonly file: KeptFile;
  /** What the log calls it. */
  readonly name: string;
  readonly schema: z.ZodType<State>;
  readonly log: Log;
  readonly retryMilliseconds?: number | undefined;
}

/** A state that is on disk as JSON, one write after the other. */
export class StateFile<State> {
  readonly #options: StateFileOptions<State>;
  #writes: Promise<unknown> = Promise.resolve();
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: StateFileOptions<State>) {
    this.#options = options;
  }

  /** What is there; a broken file is one that says nothing, and a line in the log. */
  async read(): Promise<{ readonly state: State } | 'none' | 'broken'> {
    try {
      const content = await this.#options.file.read();
      return content === undefined ? 'none' : { state: this.#options.schema.parse(JSON.parse(content)) };
    } catch (error) {
      this.#error('state-unreadable', reasonOf(error));
      return 'broken';
    }
  }

  /** Resolves once the state is kept, or with the reason why it is not. Never rejects. */
  write(state: State): Promise<string | undefined> {
    clearTimeout(this.#retry);
    const written = this.#writes.then(() => this.#write(state));
    this.#writes = written;
    return written;
  }

  /** The same; where the disk does not take it, it is tried again until another state is written. */
  async keep(state: State): Promise<void> {
    if ((await this.write(state)) === undefined || this.#stopped) return;
    clearTimeout(this.#retry);
    const limit = this.#options.retryMilliseconds ?? retryMilliseconds;
    this.#retry = setTimeout(() => void this.keep(state), limit).unref();
  }

  /** No further attempts. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
  }

  async #write(state: State): Promise<string | undefined> {
    try {
      await this.#options.file.write(`${JSON.stringify(state)}\n`);
      return undefined;
    } catch (error) {
      this.#error('state-not-written', reasonOf(error));
      return reasonOf(error);
    }
  }

  #error(event: string, reason: string): void {
    this.#options.log.error(event, { file: this.#options.name, reason: clip(reason, 300) });
  }
}

/** What was thrown, in words. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
