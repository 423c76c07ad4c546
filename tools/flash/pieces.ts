import { createHash } from 'node:crypto';
import type { BlockMap } from './block-map.ts';
import { FlashFailure } from './outcome.ts';

/** Bytes that are written at once; a multiple of every sector. */
export const pieceBytes = 4 * 1024 * 1024;

/**
 * Bytes at the beginning of a disk that are written last: the partition table is in them, and without that nothing starts
 * from what was written halfway.
 */
export const headBytes = 1024 * 1024;

/** What goes to one place. */
export interface Piece {
  /** Bytes from the beginning of the disk. */
  readonly offset: number;
  /** A view of the buffer that was given: good until the next piece. */
  readonly bytes: Buffer;
}

/** Memory whose beginning is that of a page: what is read and written past the page cache must lie so. */
export function alignedBuffer(bytes: number): Buffer {
  const page = 65_536;
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / page) });
  return Buffer.from(memory.buffer, 0, bytes);
}

/**
 * Cuts the bytes of an image into pieces: the mapped ones, or all. No piece lies on both sides of `headBytes`.
 *
 * @param buffer what pieces are views of; `pieceBytes` long
 * @throws FlashFailure `image-refused` where the image is shorter or longer than its map says, or a range has another digest
 */
export async function* piecesOf(
  bytes: AsyncIterable<Buffer>,
  map: BlockMap | undefined,
  buffer: Buffer,
): AsyncGenerator<Piece> {
  const source = new Source(bytes);
  try {
    if (map === undefined) {
      for (;;) {
        const offset = source.at;
        const got = await source.fill(buffer.subarray(0, room(offset, Number.POSITIVE_INFINITY)));
        if (got > 0) yield { offset, bytes: buffer.subarray(0, got) };
        if (got === 0) return;
      }
    }
    for (const { from, to, sha256 } of map.ranges) {
      await source.skipTo(from);
      const digest = createHash('sha256');
      while (source.at < to) {
        const offset = source.at;
        const wanted = room(offset, to);
        const got = await source.fill(buffer.subarray(0, wanted));
        if (got < wanted) throw cutOff(source.at, map.imageBytes);
        const piece = buffer.subarray(0, got);
        digest.update(piece);
        yield { offset, bytes: piece };
      }
      if (digest.digest('hex') !== sha256) {
        throw new FlashFailure(
          'image-refused',
          `bytes ${from} to ${to} of the image are not those of its block map`,
          'get image and block map again, together',
        );
      }
    }
    await source.skipTo(map.imageBytes);
    if (source.at < map.imageBytes) throw cutOff(source.at, map.imageBytes);
    if (!(await source.isAtEnd()))
      throw new FlashFailure(
        'image-refused',
        `the image has more than the ${map.imageBytes} bytes that its block map says`,
        'get image and block map again, together',
      );
  } finally {
    await source.end();
  }
}

/** Bytes of the piece that begins at `offset`. */
function room(offset: number, end: number): number {
  const border = offset < headBytes ? headBytes : Number.POSITIVE_INFINITY;
  return Math.min(pieceBytes, border - offset, end - offset);
}

function cutOff(at: number, imageBytes: number): FlashFailure {
  return new FlashFailure(
    'image-refused',
    `the image ends at byte ${at} of ${imageBytes}: it was cut off`,
    'get the image again',
  );
}

/** Bytes that come in chunks of any size, taken in runs of any size. */
class Source {
  readonly #chunks: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);
  /** Bytes that were taken or left out. */
  at = 0;

  constructor(bytes: AsyncIterable<Buffer>) {
    this.#chunks = bytes[Symbol.asyncIterator]();
  }

  /** Fills a buffer, or as much of it as there is. */
  async fill(buffer: Buffer): Promise<number> {
    let filled = 0;
    while (filled < buffer.length && (await this.#more())) {
      const count = this.#chunk.copy(buffer, filled);
      this.#take(count);
      filled += count;
    }
    return filled;
  }

  async skipTo(offset: number): Promise<void> {
    while (this.at < offset && (await this.#more()))
      this.#take(Math.min(this.#chunk.length, offset - this.at));
  }

  async isAtEnd(): Promise<boolean> {
    return !(await this.#more());
  }

  async end(): Promise<void> {
    await this.#chunks.return?.();
  }

  #take(count: number): void {
    this.#chunk = this.#chunk.subarray(count);
    this.at += count;
  }

  async #more(): Promise<boolean> {
    while (this.#chunk.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done) return false;
      this.#chunk = value;
    }
    return true;
  }
}
