import type { PortLedger } from '@loadline/sdk/contract';
import type { Heard } from '../bind/index.ts';
import type { Decoded, Decoder } from './decoder.ts';

/**
 * Everything about a port that is not the port: bytes in, frames out, every byte accounted for. At every instant
 * `bytes = frameBytes + discardedBytes + heldBytes`. Time is passed in.
 */
export class Receiver {
  readonly #name: string;
  readonly #decoder: Decoder;
  #frames = 0;
  #bytes = 0;
  #frameBytes = 0;
  #discardedBytes = 0;
  #lastByteAt = 0;

  constructor(name: string, decoder: Decoder) {
    this.#name = name;
    this.#decoder = decoder;
  }

  /** Whether a frame has begun that the rest may still come of. */
  get isWaiting(): boolean {
    return this.#decoder.held > 0;
  }

  ledger(open: boolean): PortLedger {
    return {
      name: this.#name,
      open,
      bytes: this.#bytes,
      frameBytes: this.#frameBytes,
      discardedBytes: this.#discardedBytes,
      heldBytes: this.#decoder.held,
      frames: this.#frames,
    };
  }

  /** Takes the bytes that arrived at `at` (monotonic milliseconds); gives the frames they completed. */
  receive(chunk: Uint8Array, at: number): Heard[] {
    this.#bytes += chunk.length;
    this.#lastByteAt = at;
    return this.#account(this.#decoder.push(chunk));
  }

  /** No byte has come for the stall limit, or none can come: gives the frames that noise had swallowed. */
  stall(): Heard[] {
    return this.#account(this.#decoder.stalled());
  }

  /** A frame found late was complete when the last byte had come, not when it was found. */
  #account(decoded: readonly Decoded[]): Heard[] {
    const heard: Heard[] = [];
    for (const each of decoded) {
      switch (each.kind) {
        case 'frame':
          this.#frames++;
          this.#frameBytes += each.bytes;
          heard.push({ port: this.#name, at: this.#lastByteAt, content: each.content });
          break;
        case 'discarded':
          this.#discardedBytes += each.bytes;
          break;
      }
    }
    return heard;
  }
}
