import { once } from 'node:events';
import { closeSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { watchOpening } from './opening.ts';
import { type Pty, setFlow, unreadBytes } from './pty.ts';

/** A virtual port while it is plugged in: one tty of the kernel, until it hangs up. */
export class Plug {
  readonly device: string;
  readonly #pty: Pty;
  readonly #stream: ReadStream;
  readonly #isOpened: () => boolean;

  /** @param hear called with what the host sends */
  constructor(pty: Pty, hear: (bytes: Buffer) => void) {
    this.device = pty.device;
    this.#pty = pty;
    this.#isOpened = watchOpening(pty.device);
    this.#stream = new ReadStream(pty.master);
    // Reading ends in EIO or EOF when it hangs up; that is no news here.
    this.#stream.on('error', () => undefined);
    this.#stream.on('data', hear);
  }

  /** Whether a program has opened it. Throws RigError `pty` where the kernel does not tell. */
  get isOpened(): boolean {
    return this.#isOpened();
  }

  /** Bytes that the host has not read yet. */
  get unreadBytes(): number {
    return unreadBytes(this.#pty.slave);
  }

  setFlow(flow: 'going' | 'stopped'): void {
    setFlow(this.#pty.slave, flow);
  }

  /** Gives the kernel bytes for the host; returns how many it took, 0 while it is full. */
  give(bytes: Uint8Array): number {
    try {
      // Synchronous, because the master never blocks, and so the descriptor cannot be closed under a write.
      return writeSync(this.#pty.master, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      return 0;
    }
  }

  async hangUp(): Promise<void> {
    const gone = once(this.#stream, 'close');
    this.#stream.destroy();
    closeSync(this.#pty.slave);
    await gone;
  }
}
