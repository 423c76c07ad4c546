import type { ByteSink } from './byte-sink.ts';
import { type Clock, realClock } from './clock.ts';
import { inRange } from './errors.ts';

/** How fast bytes leave. `paced` is a line of that baud rate with 8N1, so 10 bits a byte. */
export type LineSpeed =
  | { readonly kind: 'paced'; readonly baud: number }
  | { readonly kind: 'as-fast-as-it-goes' };

/** Options of everything that sends over a simulated line. */
export interface LineOptions {
  /** Speed of the line. Default: paced at 115200 baud. */
  readonly speed?: LineSpeed;
  /** Default: the computer's own clock. */
  readonly clock?: Clock;
}

const defaultSpeed: LineSpeed = { kind: 'paced', baud: 115_200 };

const BITS_PER_BYTE = 10;
/** Milliseconds of line time that go in one write, so that there is one timer for them and not one a byte. */
const CHUNK_MS = 4;
/** Milliseconds a late timer or a slow host may be caught up with. What is later than that stays late. */
const CATCH_UP_MS = 50;
/** Milliseconds without anything to send after which nothing is left to be caught up with. */
const IDLE_MS = 1;

/**
 * Paces bytes in software, because a pty has no baud rate: each byte reaches the sink no earlier than a real line
 * would have finished it. Bytes stay in order; the sink's back-pressure is passed on to the sender.
 */
export class SerialLine implements ByteSink {
  readonly #sink: ByteSink;
  readonly #clock: Clock;
  /** Bytes a millisecond; undefined on a line without pace. */
  readonly #rate: number | undefined;
  /** The moment at which the line has carried all it was given so far. */
  #freeAt = 0;
  #emptySince = Number.NEGATIVE_INFINITY;
  #last: Promise<void> = Promise.resolve();
  #queuedBytes = 0;
  #bytesSent = 0;

  constructor(sink: ByteSink, options: LineOptions = {}) {
    const { speed = defaultSpeed, clock = realClock } = options;
    this.#sink = sink;
    this.#clock = clock;
    switch (speed.kind) {
      case 'paced':
        this.#rate = inRange('baud', speed.baud, 50, 4_000_000) / BITS_PER_BYTE / 1000;
        break;
      case 'as-fast-as-it-goes':
        this.#rate = undefined;
        break;
    }
  }

  /** Bytes given to the line that the sink has not taken yet. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Bytes the sink has taken. */
  get bytesSent(): number {
    return this.#bytesSent;
  }

  /** Sends `bytes` after everything sent before. Resolves when the sink took the last one; rejects as the sink does. */
  write(bytes: Uint8Array): Promise<void> {
    const now = this.#clock.now();
    if (this.#queuedBytes === 0 && now - this.#emptySince > IDLE_MS)
      this.#freeAt = Math.max(this.#freeAt, now);
    this.#queuedBytes += bytes.length;
    const done = this.#last.then(() => this.#carry(bytes));
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #carry(bytes: Uint8Array): Promise<void> {
    const chunkBytes =
      this.#rate === undefined ? bytes.length : Math.max(1, Math.floor(this.#rate * CHUNK_MS));
    let position = 0;
    try {
      while (position < bytes.length) {
        const chunk = bytes.subarray(position, position + chunkBytes);
        if (this.#rate !== undefined) await this.#occupy(chunk.length / this.#rate);
        const taken = this.#sink.write(chunk);
        // A line below keeps time by itself, and would wait for ever for a clock that waits for it.
        if (!(this.#sink instanceof SerialLine)) this.#clock.hold?.(taken);
        await taken;
        position += chunk.length;
        this.#queuedBytes -= chunk.length;
        this.#bytesSent += chunk.length;
      }
    } finally {
      // What a sink refused is not queued any more: it is lost, as on a cable that has been pulled.
      this.#queuedBytes -= bytes.length - position;
      if (this.#queuedBytes === 0) this.#emptySince = this.#clock.now();
    }
  }

  /** Waits until a line of this pace has been busy for `milliseconds` more. */
  async #occupy(milliseconds: number): Promise<void> {
    this.#freeAt = Math.max(this.#freeAt, this.#clock.now() - CATCH_UP_MS) + milliseconds;
    const wait = this.#freeAt - this.#clock.now();
    if (wait > 0) await new Promise<void>((resolve) => this.#clock.after(wait, resolve));
  }
}
