import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type ByteSink, LineRecorder } from '../rig/index.ts';

/**
 * A recording of a line, written as it goes, so that it is whole however the program ends: what came to the gateway is
 * played again by `loadline replay`.
 */
export class Capture {
  readonly path: string;
  readonly #recorder: LineRecorder;

  /** `what` is recorded, in words. */
  constructor(path: string, what: string) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `# ${what}\n`);
    this.#recorder = new LineRecorder({ write: (line) => appendFileSync(path, line) });
  }

  /** A sink that passes everything on to the gateway's `sink`, and records what that took. */
  towards(sink: ByteSink): ByteSink {
    return this.#recorder.tap(sink);
  }

  /** Bytes that the gateway sent. */
  fromGateway(bytes: Uint8Array): void {
    this.#recorder.take(bytes, 'host');
  }

  /** A word on what happened to the line itself. */
  note(words: string): void {
    this.#recorder.note(words);
  }
}
