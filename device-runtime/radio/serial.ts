import { fstatSync, readSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { BindingInterface } from '@serialport/bindings-cpp';
import { SerialPortStream } from '@serialport/stream';
import type { Candidate } from './candidates.ts';
import { watchLife } from './life.ts';
import type { Opener, Opening, OpeningEvents } from './opening.ts';

/**
 * Milliseconds a busy line is left alone after each read: frames that follow each other closely come a few at a time,
 * and the first after a silence at once. It is the first wait on a live reading's way, and so a short one. A 4 KiB buffer of the kernel's lasts for 355 at 115200 baud.
 */
const gatherMilliseconds = 4;
/** Bytes of one read that say that enough has gathered already. */
const crowdBytes = 1024;

type Stream = SerialPortStream<BindingInterface>;

/** Opens serial ports, 8N1, through `binding` (`autoDetect()` of `@serialport/bindings-cpp`). */
export function serialOpener({ binding, baud }: { binding: BindingInterface; baud: number }): Opener {
  return async (candidate, events) => {
    const stream: Stream = new SerialPortStream({
      binding,
      path: candidate.path,
      baudRate: baud,
      dataBits: 8,
      parity: 'none',
      stopBits: 1,
      autoOpen: false,
    });
    const line = new SerialLine(stream, candidate, events);
    await line.open();
    return line;
  };
}

/**
 * One opening of a serial port. The stream is made for it and never used again, because serialport sends after a
 * reopening what was written before it; and it is never paused, because without a reader a hang-up goes unnoticed.
 */
class SerialLine implements Opening {
  readonly #stream: Stream;
  readonly #candidate: Candidate;
  readonly #events: OpeningEvents;
  #endWatch = () => {};
  #reason: string | undefined;
  #hasEnded = false;
  readonly #ended = Promise.withResolvers<never>();

  constructor(stream: Stream, candidate: Candidate, events: OpeningEvents) {
    this.#stream = stream;
    this.#candidate = candidate;
    this.#events = events;
    // Nobody may be sending when it ends.
    this.#ended.promise.catch(() => {});
  }

  async open(): Promise<void> {
    const stream = this.#stream;
    await new Promise<void>((resolve, reject) => {
      stream.open((error) => (error ? reject(error) : resolve()));
    });
    const port = stream.port as NativePort;
    const { fd } = port;
    if (typeof fd === 'number' && fstatSync(fd).rdev !== this.#candidate.device) {
      await new Promise<void>((resolve) => stream.close(() => resolve()));
      throw new Error(`${this.#candidate.path} has just become another device`);
    }
    if (typeof fd === 'number' && port.poller !== undefined) readWhenReadable(port, port.poller, fd);
    stream.on('data', (chunk: Uint8Array) => this.#events.onBytes(chunk));
    stream.once('close', (error: Error | null) => this.#end(error?.message ?? 'closed'));
    stream.on('error', (error) => this.close(error.message));
    if (typeof fd !== 'number') return;
    this.#endWatch = watchLife(fd, this.#candidate.path, (reason) => this.close(reason));
  }

  /**
   * Waits for the write's own callback before it drains: `drain` alone does not wait for what is still queued in the
   * stream, and closing after it loses that.
   */
  async send(bytes: Uint8Array): Promise<void> {
    if (this.#reason !== undefined || !this.#stream.isOpen) throw new Error('the port is not open');
    const stream = this.#stream;
    const sent = new Promise<void>((resolve, reject) => {
      stream.write(Buffer.from(bytes), (error) => {
        if (error) reject(error);
        else stream.drain((failure) => (failure ? reject(failure) : resolve()));
      });
    });
    // What the stream says after its end comes to nobody.
    sent.catch(() => {});
    await Promise.race([sent, this.#ended.promise]);
  }

  close(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#endWatch();
    if (!this.#stream.isOpen) {
      // Where it is closing, its own event will come.
      if (!this.#stream.closing) this.#end(reason);
      return;
    }
    this.#stream.close((error) => {
      if (error) this.#end(error.message);
    });
  }

  #end(reason: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#endWatch();
    this.#reason ??= reason;
    this.#ended.reject(new Error('the port was closed'));
    this.#events.onEnd(this.#reason);
  }
}

/** What of a port of `@serialport/bindings-cpp` is touched here; elsewhere than on Linux parts of it are missing. */
interface NativePort {
  readonly isOpen: boolean;
  readonly fd?: number | null;
  readonly poller?: { once(event: 'readable', callback: (error: Error | null) => void): unknown };
  read(buffer: Buffer, offset: number, length: number): Promise<{ buffer: Buffer; bytesRead: number }>;
}

/**
 * The binding's own `read` tries first and waits then, each on a thread of its own: several switches for every few
 * bytes. The descriptor never blocks, so it is waited for first, and read here.
 * Whatever is no data (an error, a hang-up) is left to the binding's own.
 */
function readWhenReadable(port: NativePort, poller: NonNullable<NativePort['poller']>, fd: number): void {
  const itsOwn = port.read.bind(port);
  let readAt = Number.NEGATIVE_INFINITY;
  let isBusy = false;
  port.read = async (buffer, offset, length) => {
    if (isBusy) await delay(gatherMilliseconds);
    if (!port.isOpen) return await itsOwn(buffer, offset, length);
    await new Promise<void>((resolve, reject) => {
      poller.once('readable', (error) => (error ? reject(error) : resolve()));
    });
    try {
      const bytesRead = readSync(fd, buffer, offset, length, null);
      const now = performance.now();
      isBusy = now - readAt < 2 * gatherMilliseconds && bytesRead < crowdBytes;
      readAt = now;
      if (bytesRead > 0) return { buffer, bytesRead };
    } catch {
      // It fails for the binding too, which knows what that means.
    }
    return await itsOwn(buffer, offset, length);
  };
}
