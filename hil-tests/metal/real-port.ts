import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { watchLife } from '@loadline/device-runtime';
import { SerialPort } from 'serialport';
import type { ByteSink } from '../rig/index.ts';
import { busy, checkAccess } from './access.ts';
import { MetalError } from './errors.ts';

/** Speeds that adapters and base stations have. */
export const bauds = [9600, 19_200, 38_400, 57_600, 115_200, 230_400] as const;

/** Milliseconds that what was written has to leave when the port is closed. */
const leaveMs = 2000;

/** Options of a real port. */
export interface RealPortOptions {
  /** Default: 115200. Always 8N1 without flow control. */
  readonly baud?: number;
}

/** The lines of a modem that come in, as they stand. */
export interface ModemLines {
  readonly cts: boolean;
  readonly dsr: boolean;
  readonly dcd: boolean;
}

/**
 * A serial port that this program did not make: an adapter, a board's own UART; or a pty of another program. What is written
 * leaves at the speed of the line, because `write` resolves when the last byte has left this machine.
 */
export class RealPort implements ByteSink {
  readonly path: string;
  readonly #port: SerialPort;
  readonly #events = new EventEmitter().setMaxListeners(0);
  readonly #gone = Promise.withResolvers<never>();
  #endWatch = () => {};
  #baud: number;
  #isClosing = false;
  #lastWrite: Promise<void> = Promise.resolve();
  #bytesWritten = 0;
  #bytesRead = 0;

  private constructor(path: string, port: SerialPort, baud: number) {
    this.path = path;
    this.#port = port;
    this.#baud = baud;
    // Nobody may be writing when it goes.
    this.#gone.promise.catch(() => {});
    // Never paused: without a reader a hang-up goes unnoticed.
    port.on('data', (bytes: Buffer) => {
      this.#bytesRead += bytes.length;
      this.#events.emit('data', bytes);
    });
    port.on('error', (error) => this.#leave(error.message));
    port.once('close', (error: Error | null) => this.#leave(error?.message ?? 'it was closed'));
    const { fd } = port.port as { readonly fd?: number | null };
    if (typeof fd !== 'number') return;
    this.#endWatch = watchLife(fd, path, (reason) => {
      if (port.isOpen) port.close(() => {});
      this.#leave(reason);
    });
  }

  /** Opens it. @throws MetalError `absent`, `not-a-tty`, `denied`, `busy`, `opening` */
  static async open(path: string, { baud = 115_200 }: RealPortOptions = {}): Promise<RealPort> {
    await checkAccess(path);
    const port = new SerialPort({ path, baudRate: baud, autoOpen: false });
    await new Promise<void>((resolve, reject) => {
      port.open((error) => (error ? reject(openingError(path, error)) : resolve()));
    });
    return new RealPort(path, port, baud);
  }

  get baud(): number {
    return this.#baud;
  }

  /** Whether it is open, and its device there. */
  get isOpen(): boolean {
    return this.#port.isOpen;
  }

  /** Bytes that have left since it was opened. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** Bytes that came in since it was opened. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Sends after everything that was sent before. @throws MetalError `gone` */
  write(bytes: Uint8Array): Promise<void> {
    const done = this.#lastWrite.then(() => this.#send(bytes));
    this.#lastWrite = done.catch(() => undefined);
    return done;
  }

  /** Resolves when all that was written has left this machine. Whether somebody reads it cannot be known from here. */
  async drained(): Promise<void> {
    await this.#lastWrite;
  }

  /** Calls `listener` with what comes in, as it comes. Returns a function that ends it. */
  onData(listener: (bytes: Uint8Array) => void): () => void {
    this.#events.on('data', listener);
    return () => this.#events.off('data', listener);
  }

  /** Gives the line another speed. */
  async setBaud(baud: number): Promise<void> {
    await this.#done((done) => this.#port.update({ baudRate: baud }, done));
    this.#baud = baud;
  }

  /** How the modem lines stand that come in; undefined where the port has none (a pty, many boards' UARTs). */
  async modemLines(): Promise<ModemLines | undefined> {
    return await new Promise((resolve) => {
      this.#port.get((error, status) => {
        if (error || status === undefined) return resolve(undefined);
        const { cts, dsr, dcd } = status;
        resolve({ cts, dsr, dcd });
      });
    });
  }

  /** Puts the modem lines that go out. Does nothing where the port has none. */
  async putModemLines(to: { readonly rts: boolean; readonly dtr: boolean }): Promise<void> {
    await new Promise<void>((resolve) => this.#port.set(to, () => resolve()));
  }

  /** Closes it when what was written has left, or after two seconds in which it did not: who is to read it does not. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const giveUp = new AbortController();
    const late = delay(leaveMs, undefined, { signal: giveUp.signal }).catch(() => undefined);
    await Promise.race([this.#lastWrite, late]);
    giveUp.abort();
    this.#endWatch();
    if (!this.#port.isOpen) return;
    await new Promise<void>((resolve) => this.#port.close(() => resolve()));
  }

  /** Closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #send(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    // The write's own callback first: drain alone does not wait for what is still in the stream.
    await this.#done((done) => this.#port.write(Buffer.from(bytes), done));
    await this.#done((done) => this.#port.drain(done));
    this.#bytesWritten += bytes.length;
  }

  async #done(work: (done: (error?: Error | null) => void) => void): Promise<void> {
    // A closed stream keeps what it is given for a reopening, and says nothing.
    if (!this.#port.isOpen) this.#leave('it is not open');
    const done = new Promise<void>((resolve, reject) => {
      if (this.#port.isOpen) work((error) => (error ? reject(this.#goneBecause(error.message)) : resolve()));
    });
    done.catch(() => {});
    await Promise.race([done, this.#gone.promise]);
  }

  #leave(reason: string): void {
    this.#endWatch();
    this.#gone.reject(this.#goneBecause(this.#isClosing ? 'it was closed' : reason));
  }

  #goneBecause(reason: string): MetalError {
    return new MetalError('gone', `${this.path} takes nothing any more: ${reason}`, 'look at its plug');
  }
}

function openingError(path: string, error: Error): MetalError {
  const said = error.message.replace(/^Error:? /, '');
  if (/lock|busy|temporarily/i.test(said)) return busy(path);
  return new MetalError('opening', `${path} cannot be opened: ${said}`, 'look at the end of dmesg');
}
