import {
  type Decoded,
  type Decoder,
  type Measurement,
  type OtherFrame,
  paddingReason,
} from '@loadline/sdk/driver';

/** One valid frame, before it is anybody's. */
export interface Frame {
  /** Milliseconds of the monotonic clock when its last byte had arrived. */
  readonly at: number;
  readonly bytes: number;
  readonly content: Measurement | OtherFrame;
}

/** Bytes and frames of a line. `bytes = frameBytes + discardedBytes + heldBytes`. */
export interface Counts {
  readonly bytes: number;
  readonly frameBytes: number;
  readonly discardedBytes: number;
  readonly heldBytes: number;
  readonly frames: number;
}

/**
 * Everything about an opening that is not the port: bytes in, frames out, every byte accounted for at every instant. A
 * frame that is not yet taken (`take`) or refused (`refuse`) is still held. Time is passed in.
 */
export class Receiver {
  readonly #decoder: Decoder;
  #frames = 0;
  #bytes = 0;
  #frameBytes = 0;
  #discardedBytes = 0;
  #undecidedBytes = 0;
  #noiseBytes = 0;
  #lastByteAt = 0;

  constructor(decoder: Decoder) {
    this.#decoder = decoder;
  }

  /** Whether a frame has begun that the rest may still come of. */
  get isWaiting(): boolean {
    return this.#decoder.held > 0;
  }

  /** What an integrator's driver failed at last. */
  get failure(): string | undefined {
    return this.#decoder.failure;
  }

  get counts(): Counts {
    return {
      bytes: this.#bytes,
      frameBytes: this.#frameBytes,
      discardedBytes: this.#discardedBytes,
      heldBytes: this.#decoder.held + this.#undecidedBytes,
      frames: this.#frames,
    };
  }

  /** Takes the bytes that arrived at `at` (monotonic milliseconds); gives the frames they completed. */
  receive(chunk: Uint8Array, at: number): Frame[] {
    this.#bytes += chunk.length;
    this.#lastByteAt = at;
    return this.#account(this.#decoder.push(chunk));
  }

  /** No byte has come for the stall limit, or none can come: gives the frames that noise had swallowed. */
  stall(): Frame[] {
    return this.#account(this.#decoder.stalled());
  }

  /** These frames are handed on. */
  take(frames: readonly Frame[]): void {
    for (const { bytes } of frames) {
      this.#frames++;
      this.#frameBytes += bytes;
      this.#undecidedBytes -= bytes;
    }
  }

  /** These frames are not, whoever sent them. */
  refuse(frames: readonly Frame[]): void {
    for (const { bytes } of frames) {
      this.#discardedBytes += bytes;
      this.#undecidedBytes -= bytes;
    }
  }

  /** Bytes discarded since this was asked last, but for padding. */
  takeNoise(): number {
    const noise = this.#noiseBytes;
    this.#noiseBytes = 0;
    return noise;
  }

  /** Begins to count anew, with nothing but what is held: gives what there was until now, nothing of it held. */
  startAnew(): Counts {
    const { heldBytes, ...before } = this.counts;
    this.#bytes = heldBytes;
    this.#frames = 0;
    this.#frameBytes = 0;
    this.#discardedBytes = 0;
    return { ...before, bytes: before.bytes - heldBytes, heldBytes: 0 };
  }

  /** A frame found late was complete when the last byte had come, not when it was found. */
  #account(decoded: readonly Decoded[]): Frame[] {
    const frames: Frame[] = [];
    for (const each of decoded) {
      switch (each.kind) {
        case 'frame':
          this.#undecidedBytes += each.bytes;
          frames.push({ at: this.#lastByteAt, bytes: each.bytes, content: each.content });
          break;
        case 'discarded':
          this.#discardedBytes += each.bytes;
          if (each.reason !== paddingReason) this.#noiseBytes += each.bytes;
          break;
      }
    }
    return frames;
  }
}

export const noCounts: Counts = { bytes: 0, frameBytes: 0, discardedBytes: 0, heldBytes: 0, frames: 0 };

export function addCounts(one: Counts, other: Counts): Counts {
  return {
    bytes: one.bytes + other.bytes,
    frameBytes: one.frameBytes + other.frameBytes,
    discardedBytes: one.discardedBytes + other.discardedBytes,
    heldBytes: one.heldBytes + other.heldBytes,
    frames: one.frames + other.frames,
  };
}
