import { ReleaseError } from '@loadline/sdk/release';
import { BaseFetcher } from 'tuf-js';
import { DownloadHTTPError, DownloadLengthMismatchError } from 'tuf-js/dist/error.js';
import type { ByteStream, ReleaseSource } from './release-source.ts';

/** What stands before the names that tuf-js asks for: it wants addresses, a source has names. */
export const metadataBase = 'loadline://repository/metadata/';

/** A signal that is aborted after so many milliseconds. */
export type TimeUp = (milliseconds: number) => AbortSignal;

/** Milliseconds for one file of metadata, or a manifest: some 100 KB on the slowest of links. */
const fileTimeLimit = 600_000;

/**
 * Takes tuf-js's questions to a source, and holds every answer to the length that was asked for and to a time limit:
 * neither data without an end nor data that trickles holds anything up.
 *
 * tuf-js's own way is by a file in the system's folder for such things, whose stream nobody listens to: where that disk is
 * full, the error ends the process.
 */
export class TufFetcher extends BaseFetcher {
  readonly #source: ReleaseSource;
  readonly #timeUp: TimeUp;
  readonly #fetched = new Set<string>();
  #asked = 'the root that it was built to trust';
  #failure: ReleaseError | undefined;

  /** `timeUp` keeps the time limit of each file. */
  constructor(source: ReleaseSource, timeUp: TimeUp) {
    super();
    this.#source = source;
    this.#timeUp = timeUp;
  }

  /** What was asked for last, for the words of an error. */
  get asked(): string {
    return this.#asked;
  }

  /** Why a file did not come; tuf-js keeps of such an error no more than its text. */
  get failure(): ReleaseError | undefined {
    return this.#failure;
  }

  /** Whether this is the content of a file that came. */
  isFetched(content: string): boolean {
    return this.#fetched.has(content);
  }

  override async downloadBytes(url: string, maxLength: number): Promise<Buffer> {
    const name = url.slice(metadataBase.length);
    const bytes = await this.metadata(name, maxLength);
    if (bytes !== undefined) return bytes;
    // That there is none is an answer for a root only: nobody has a newer one.
    if (!name.endsWith('.root.json')) throw this.#fail(`the repository has no metadata/${name}`);
    throw new DownloadHTTPError(`there is no ${name}`, 404);
  }

  override async fetch(url: string): Promise<never> {
    throw new Error(`${url} is not fetched by way of a file`);
  }

  /** @returns undefined where the source has no such file */
  async metadata(name: string, maxLength: number): Promise<Buffer | undefined> {
    const open = (signal: AbortSignal) => this.#source.metadata(name, signal);
    const bytes = await this.#read(`metadata/${name}`, maxLength, open);
    if (bytes !== undefined) this.#fetched.add(bytes.toString('utf8'));
    return bytes;
  }

  async target(path: string, maxLength: number): Promise<Buffer> {
    const open = (signal: AbortSignal) => this.#source.target(path, signal);
    const bytes = await this.#read(`targets/${path}`, maxLength, open);
    if (bytes === undefined) throw this.#fail(`the repository has no targets/${path}`);
    return bytes;
  }

  async #read(
    asked: string,
    maxLength: number,
    open: (signal: AbortSignal) => Promise<ByteStream | undefined>,
  ): Promise<Buffer | undefined> {
    this.#asked = asked;
    const signal = this.#timeUp(fileTimeLimit);
    try {
      const stream = await unlessAborted(open(signal), signal);
      return stream && (await readAtMost(stream, maxLength, signal));
    } catch (error) {
      if (error instanceof DownloadLengthMismatchError) throw error;
      if (error instanceof ReleaseError) {
        this.#failure ??= error;
        throw error;
      }
      const reason = signal.aborted
        ? `it was not there after ${fileTimeLimit / 1000} s`
        : (error as Error).message;
      throw this.#fail(`${asked} did not come: ${reason}`);
    }
  }

  #fail(message: string): ReleaseError {
    this.#failure ??= new ReleaseError('source-failed', message);
    return this.#failure;
  }
}

async function readAtMost(stream: ByteStream, maxLength: number, signal: AbortSignal): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const iterator = stream[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await unlessAborted(iterator.next(), signal);
      if (done) return Buffer.concat(chunks, length);
      length += value.length;
      if (length > maxLength) throw new DownloadLengthMismatchError(`it has more than ${maxLength} bytes`);
      chunks.push(value);
    }
  } finally {
    // Not waited for: what hangs may hang in here, too.
    void iterator.return?.().catch(() => {});
  }
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
    // Whichever of them lost must not be an unhandled rejection.
    for (const each of [work, aborted]) each.catch(() => {});
  }
}
