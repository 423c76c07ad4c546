import { limits } from '@loadline/sdk/contract';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const nothing: Buffer = Buffer.alloc(0);

/** Bytes that came, and the lines in them. It holds one line that is coming, and what came at once with its end. */
export class LineBuffer {
  #bytes: Buffer = nothing;

  get isEmpty(): boolean {
    return this.#bytes.length === 0;
  }

  add(chunk: Buffer): void {
    this.#bytes = this.isEmpty ? chunk : Buffer.concat([this.#bytes, chunk]);
  }

  /** The next whole line, without its end; undefined where there is none yet. */
  next(): Uint8Array | 'too-long' | undefined {
    const end = this.#bytes.indexOf(lineFeed);
    if (end >= limits.socketLineBytes) return 'too-long';
    if (end < 0) {
      if (this.#bytes.length >= limits.socketLineBytes) return 'too-long';
      this.#keep(this.#bytes);
      return undefined;
    }
    const line = withoutReturn(this.#bytes.subarray(0, end));
    this.#bytes = this.#bytes.subarray(end + 1);
    if (this.#bytes.length === 0) this.#bytes = nothing;
    return line;
  }

  clear(): void {
    this.#bytes = nothing;
  }

  /** A few bytes hold on to the whole of what was read with them: an idle connection keeps no more than its own. */
  #keep(bytes: Buffer): void {
    if (bytes.length < bytes.buffer.byteLength / 2) this.#bytes = Buffer.from(Uint8Array.from(bytes).buffer);
  }
}

/** A line, or a datagram, without the CR that may stand at its end. */
function withoutReturn(line: Buffer): Buffer {
  return line.at(-1) === carriageReturn ? line.subarray(0, -1) : line;
}

/** The one line of a datagram, without its end; undefined where there are several, or it is too long. */
export function lineOf(datagram: Buffer): Buffer | undefined {
  if (datagram.length > limits.socketLineBytes) return undefined;
  const line = withoutReturn(datagram.at(-1) === lineFeed ? datagram.subarray(0, -1) : datagram);
  return line.includes(lineFeed) ? undefined : line;
}
