import { limits } from '../contract/index.ts';
import type { AckFrame, DataFrame } from './frame.ts';

/** What became complete by a frame. */
export type Completed =
  | { readonly kind: 'message'; readonly bytes: Uint8Array }
  /** Longer than a message may be: its frames were thrown away as they came. */
  | { readonly kind: 'tooLong' };

/**
 * What comes in one session: frames put in order, each taken once, and messages put together of them. Holds at most the
 * window's frames and one message that is not whole yet.
 */
export class Inbound {
  /** All frames below it have come. */
  #next = 0;
  /** Frames may come below it; it never falls. */
  #limit = 0;
  /** The latest transmission that has come. */
  #transmission = 0;
  /** Frames that came before one that is missing. */
  readonly #early = new Map<number, DataFrame>();
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  #isTooLong = false;

  /** Bytes held: early frames, and the message that is not whole yet. */
  get heldBytes(): number {
    let early = 0;
    for (const { data } of this.#early.values()) early += data.length;
    return this.#partBytes + early;
  }

  /** Lets the sender go on, as far as a window goes; whether it was short of room, and should be told. */
  open(): boolean {
    const wasShort = this.#limit - this.#next < limits.linkWindowFrames / 2;
    this.#limit = Math.max(this.#limit, this.#next + limits.linkWindowFrames);
    return wasShort;
  }

  /** Notes that a transmission has come. */
  hear(transmission: number): void {
    this.#transmission = Math.max(this.#transmission, transmission);
  }

  /** Takes a frame in, unless it has come already or may not come yet; what is complete with it, in order. */
  *accept(frame: DataFrame): Generator<Completed> {
    if (frame.number < this.#next || frame.number >= this.#limit) return;
    this.#early.set(frame.number, frame);
    for (;;) {
      const due = this.#early.get(this.#next);
      if (due === undefined) return;
      this.#early.delete(this.#next);
      this.#next += 1;
      this.#append(due.data);
      if (due.isLast) yield this.#complete();
    }
  }

  /** What to acknowledge now. */
  ack(tag: number): AckFrame {
    const selective = new Uint8Array(limits.linkWindowFrames / 8);
    let length = 0;
    for (const number of this.#early.keys()) {
      const bit = number - this.#next - 1;
      const at = bit >> 3;
      selective[at] = (selective[at] as number) | (1 << (bit & 7));
      length = Math.max(length, at + 1);
    }
    return {
      ...{ kind: 'ack', tag, next: this.#next, limit: this.#limit, transmission: this.#transmission },
      selective: selective.subarray(0, length),
    };
  }

  #append(data: Uint8Array): void {
    if (this.#isTooLong) return;
    this.#parts.push(data);
    this.#partBytes += data.length;
    if (this.#partBytes <= limits.linkMessageBytes) return;
    this.#isTooLong = true;
    this.#parts = [];
    this.#partBytes = 0;
  }

  #complete(): Completed {
    const completed: Completed = this.#isTooLong
      ? { kind: 'tooLong' }
      : { kind: 'message', bytes: Buffer.concat(this.#parts) };
    this.#parts = [];
    this.#partBytes = 0;
    this.#isTooLong = false;
    return completed;
  }
}
