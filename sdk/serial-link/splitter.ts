import { longestEncoded } from './frame.ts';

/** Bytes of the latest noise that are kept, for whoever wants to know what else is on the line. */
const keptNoise = 256;

/**
 * Cuts a stream of bytes at its delimiters. What is longer than any frame is thrown away up to the next delimiter, so
 * that never more than one frame is held.
 */
export class Splitter {
  readonly #held = new Uint8Array(longestEncoded);
  #length = 0;
  #isTooLong = false;
  #noise: Uint8Array = new Uint8Array(0);
  #noiseBytes = 0;

  /** What stood between delimiters, complete now; each is only to be looked at before the next is asked for. */
  *push(bytes: Uint8Array): Generator<Uint8Array> {
    let at = 0;
    while (at < bytes.length) {
      const zero = bytes.indexOf(0, at);
      const end = zero === -1 ? bytes.length : zero;
      this.#hold(bytes.subarray(at, end));
      at = end + 1;
      if (zero === -1) return;
      if (!this.#isTooLong && this.#length > 0) yield this.#held.subarray(0, this.#length);
      this.#isTooLong = false;
      this.#length = 0;
    }
  }

  /** Notes what was no frame. */
  isNoise(piece: Uint8Array): void {
    this.#noiseBytes += piece.length;
    const all = new Uint8Array(Math.min(keptNoise, this.#noise.length + piece.length));
    const rest = all.length - Math.min(piece.length, all.length);
    all.set(this.#noise.subarray(this.#noise.length - rest));
    all.set(piece.subarray(piece.length - (all.length - rest)), rest);
    this.#noise = all;
  }

  /** Bytes that were no frame, so far. */
  get noiseBytes(): number {
    return this.#noiseBytes;
  }

  /** The latest of them, and what has come since the last delimiter. */
  get noise(): Uint8Array {
    const all = Buffer.concat([this.#noise, this.#held.subarray(0, this.#length)]);
    return all.subarray(Math.max(0, all.length - keptNoise));
  }

  #hold(bytes: Uint8Array): void {
    if (!this.#isTooLong && this.#length + bytes.length > this.#held.length) {
      this.isNoise(this.#held.subarray(0, this.#length));
      this.#isTooLong = true;
      this.#length = 0;
    }
    if (this.#isTooLong) {
      this.isNoise(bytes);
      return;
    }
    this.#held.set(bytes, this.#length);
    this.#length += bytes.length;
  }
}
