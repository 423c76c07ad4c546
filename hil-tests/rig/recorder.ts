import type { ByteSink } from './byte-sink.ts';
import { type Clock, realClock } from './clock.ts';
import { RigError } from './errors.ts';
import { type LineSide, recordingLine } from './timed.ts';

/** Options of a recorder. */
export interface RecorderOptions {
  /** Takes each line of the recording, its line break included: into a file, an array. What it throws ends the taking. */
  readonly write: (line: string) => void;
  /** Default: the computer's own clock. */
  readonly clock?: Clock;
}

/**
 * Records a serial line with its times: what a base station sends, what the host sends, and notes of what else
 * happened. The recording is text, one line for what came together; `readRecording`, `readTimes` and `readBothSides`
 * read it, `playTimed`, `playRecording` and `loadline replay` play what the station sent.
 */
export class LineRecorder {
  readonly #write: (line: string) => void;
  readonly #clock: Clock;
  readonly #began: number;
  #pieces = 0;
  #bytes = 0;

  /** Time begins now. */
  constructor({ write, clock = realClock }: RecorderOptions) {
    this.#write = write;
    this.#clock = clock;
    this.#began = clock.now();
  }

  /** Pieces that have been recorded, of both sides. */
  get pieces(): number {
    return this.#pieces;
  }

  /** Bytes that have been recorded, of both sides. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Records bytes that have come just now. */
  take(bytes: Uint8Array, from: LineSide): void {
    this.#pieces += 1;
    this.#bytes += bytes.length;
    this.#write(recordingLine({ at: this.#now(), bytes, from }));
  }

  /** Puts words into the recording, with the time: a comment to whoever plays it. Line breaks become spaces. */
  note(words: string): void {
    this.#write(`# ${this.#now().toFixed(3)} ms: ${words.replaceAll(/\s+/g, ' ')}\n`);
  }

  /**
   * A sink that passes everything on to `sink`, and records what that took: put it between base station and port.
   * What the port refuses (it is unplugged) becomes a note; what it took of that before is recorded.
   */
  tap(sink: ByteSink): ByteSink {
    return {
      write: async (bytes) => {
        try {
          await sink.write(bytes);
        } catch (error) {
          const taken = error instanceof RigError ? (error.takenBytes ?? 0) : 0;
          if (taken > 0) this.take(bytes.subarray(0, taken), 'station');
          this.note(`${bytes.length - taken} bytes did not arrive: ${(error as Error).message}`);
          throw error;
        }
        this.take(bytes, 'station');
      },
    };
  }

  /** Records what the host sends to this port. Returns a function that ends it. */
  listen(port: { onData(listener: (bytes: Uint8Array) => void): () => void }): () => void {
    return port.onData((bytes) => this.take(bytes, 'host'));
  }

  #now(): number {
    return this.#clock.now() - this.#began;
  }
}
