import { chunkBytes, flashRead } from '@loadline/sdk/flashing';
import { ReleaseError } from '@loadline/sdk/release';
import type * as z from 'zod';
import type { ByteStream, ReleaseSource } from '../update/index.ts';

/** Asks the other end of a line, and waits for its answer. */
export type Ask = (
  name: string,
  body: unknown,
  options: { readonly limitMs: number; readonly signal: AbortSignal },
) => Promise<unknown>;

/** Milliseconds for 64 KiB: on the slowest of lines, with a plug that is knocked out meanwhile. */
const partMilliseconds = 10 * 60_000;

type Kind = z.output<typeof flashRead.body>['kind'];
type Part = NonNullable<z.output<typeof flashRead.reply>>;

/** A repository at the other end of a serial line. It vouches for nothing, and neither does the line. */
export class LineSource implements ReleaseSource {
  readonly #ask: Ask;
  readonly #signal: AbortSignal;

  constructor(ask: Ask, signal: AbortSignal) {
    this.#ask = ask;
    this.#signal = signal;
  }

  async metadata(name: string, signal: AbortSignal): Promise<ByteStream | undefined> {
    return await this.#file('metadata', name, signal);
  }

  async target(path: string, signal: AbortSignal): Promise<ByteStream | undefined> {
    return await this.#file('target', path, signal);
  }

  /** A packed file, from a byte on. @throws ReleaseError `source-failed` */
  async blob(sha256: string, from: number): Promise<{ readonly from: number; readonly bytes: ByteStream }> {
    const first = await this.#part('blob', sha256, from, this.#signal);
    if (first === undefined)
      throw new ReleaseError('source-failed', `blobs/${sha256} is not in what is sent`);
    return { from, bytes: this.#rest('blob', sha256, from, first, this.#signal) };
  }

  async #file(kind: Kind, name: string, signal: AbortSignal): Promise<ByteStream | undefined> {
    const either = AbortSignal.any([signal, this.#signal]);
    const first = await this.#part(kind, name, 0, either);
    return first && this.#rest(kind, name, 0, first, either);
  }

  async *#rest(kind: Kind, name: string, from: number, first: Part, signal: AbortSignal): ByteStream {
    let at = from;
    for (let part = first; part.bytes.length > 0; ) {
      yield part.bytes;
      at += part.bytes.length;
      if (at >= part.total) return;
      const next = await this.#part(kind, name, at, signal);
      if (next === undefined) throw new ReleaseError('source-failed', `${name} is gone in the middle of it`);
      part = next;
    }
  }

  async #part(kind: Kind, name: string, from: number, signal: AbortSignal): Promise<Part | undefined> {
    const body = { kind, name, from, most: chunkBytes };
    const answer = await this.#ask(flashRead.name, body, { limitMs: partMilliseconds, signal });
    const { data, error } = flashRead.reply.safeParse(answer);
    if (error || (data !== null && data.bytes.length > chunkBytes)) {
      throw new ReleaseError('source-failed', `what is sent of ${name} is not what the protocol says`);
    }
    return data ?? undefined;
  }
}
