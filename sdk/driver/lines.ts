/** What leaves the line framer: every byte is in one of these (`bytes`), or still held. */
export type Line =
  /** A line without its ending, each byte one character; `bytes` counts the ending too. */
  | { readonly kind: 'line'; readonly text: string; readonly bytes: number }
  | { readonly kind: 'discarded'; readonly bytes: number; readonly reason: 'tooLong' | 'stalled' };

/**
 * Cuts the bytes of a line of text at a given ending, however they are split. It holds less than `maxBytes`: what is
 * longer is dropped up to the next ending.
 */
export class LineFramer {
  readonly #ending: Uint8Array;
  readonly #line: Uint8Array;
  #held = 0;
  #skipping = false;

  /**
   * @param ending bytes that end a line, at least one
   * @param maxBytes of the longest line, its ending included; more than the ending has
   */
  constructor(ending: Uint8Array, maxBytes: number) {
    this.#ending = ending;
    this.#line = new Uint8Array(maxBytes);
  }

  get held(): number {
    return this.#held;
  }

  push(chunk: Uint8Array): Line[] {
    const lines: Line[] = [];
    for (const byte of chunk) {
      this.#line[this.#held] = byte;
      this.#held += 1;
      if (this.#isEnded()) {
        lines.push(this.#skipping ? this.#discard('tooLong', 0) : this.#finish());
        this.#skipping = false;
      } else if (this.#held === this.#line.length) {
        // An ending that has begun must still be found.
        lines.push(this.#discard('tooLong', this.#ending.length - 1));
        this.#skipping = true;
      }
    }
    return lines;
  }

  stalled(): Line[] {
    if (this.#held === 0) return [];
    const line = this.#discard(this.#skipping ? 'tooLong' : 'stalled', 0);
    this.#skipping = false;
    return [line];
  }

  #isEnded(): boolean {
    const start = this.#held - this.#ending.length;
    return start >= 0 && this.#ending.every((byte, index) => this.#line[start + index] === byte);
  }

  #finish(): Line {
    const bytes = this.#held;
    this.#held = 0;
    const text = String.fromCharCode(...this.#line.subarray(0, bytes - this.#ending.length));
    return { kind: 'line', text, bytes };
  }

  #discard(reason: 'tooLong' | 'stalled', kept: number): Line {
    const bytes = this.#held - kept;
    this.#line.copyWithin(0, bytes, this.#held);
    this.#held = kept;
    return { kind: 'discarded', bytes, reason };
  }
}
