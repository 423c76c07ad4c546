import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { recordingLine } from '../rig/index.ts';

/**
 * A recording of a line, written as it goes, so that it is whole however the program ends: what came to the gateway is
 * played again by `loadline replay`.
 */
export class Capture {
  readonly path: string;
  readonly #began = performance.now();

  /** `what` is recorded, in words. */
  constructor(path: string, what: string) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `# ${what}\n`);
  }

  /** Bytes that came to the gateway. */
  toGateway(bytes: Uint8Array): void {
    this.#append(recordingLine({ at: performance.now() - this.#began, bytes }));
  }

  /** Bytes that the gateway sent. */
  fromGateway(bytes: Uint8Array): void {
    this.#append(recordingLine({ at: performance.now() - this.#began, bytes, from: 'host' }));
  }

  /** A word on what happened to the line itself. */
  note(words: string): void {
    this.#append(`# ${words} # ${(performance.now() - this.#began).toFixed(3)} ms\n`);
  }

  #append(line: string): void {
    appendFileSync(this.path, line);
  }
}
