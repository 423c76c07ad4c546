import { fstatSync, statSync } from 'node:fs';
import type { PortLedger } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import { stallMilliseconds } from '@loadline/sdk/t24';
import type { BindingInterface } from '@serialport/bindings-cpp';
import { SerialPortStream } from '@serialport/stream';
import type { Heard } from '../bind/index.ts';
import type { Clock } from '../clock/index.ts';
import type { PortConfig } from '../config/index.ts';
import { decoderFor } from './decoder.ts';
import { Receiver } from './receiver.ts';

export interface RadioPortOptions {
  readonly port: PortConfig;
  /** What opens serial ports: `autoDetect()` of `@serialport/bindings-cpp`, or another of its kind. */
  readonly binding: BindingInterface;
  readonly clock: Clock;
  readonly log: Log;
  /** Frames, in the order of the line. */
  readonly onHeard: (heard: readonly Heard[]) => void;
  /** Something in the ledger changed, with or without frames. */
  readonly onChange: () => void;
}

/** First and longest wait before a port is opened again, in milliseconds: a replug is noticed well within a second. */
const reopen = { first: 50, longest: 500 };
/** Milliseconds between two looks at whether an open port's device is still there. */
const lifeMilliseconds = 250;
/** Milliseconds after which a timer is late: not by its own coarseness, but because nothing ran. */
const lateMilliseconds = 50;

type Stream = SerialPortStream<BindingInterface>;

/**
 * One serial port, open whenever its device is there, for as long as the gateway runs. Each opening gets a stream of
 * its own: serialport sends after a reopening what was written before it. It is never paused, because without
 * a reader a hang-up goes unnoticed.
 */
export class RadioPort {
  readonly #options: RadioPortOptions;
  readonly #receiver: Receiver;
  #stream: Stream | undefined;
  #stallTimer: NodeJS.Timeout | undefined;
  #lifeTimer: NodeJS.Timeout | undefined;
  #reopenTimer: NodeJS.Timeout | undefined;
  #failures = 0;
  #stopped = false;

  constructor(options: RadioPortOptions) {
    this.#options = options;
    this.#receiver = new Receiver(options.port.name, decoderFor(options.port.protocol));
  }

  get ledger(): PortLedger {
    return this.#receiver.ledger(this.#stream?.isOpen ?? false);
  }

  open(): void {
    const { port, binding, log, onChange } = this.#options;
    const stream: Stream = new SerialPortStream({
      binding,
      path: port.path,
      baudRate: port.baud,
      dataBits: 8,
      parity: 'none',
      stopBits: 1,
      autoOpen: false,
    });
    stream.on('data', (chunk: Uint8Array) => this.#receive(chunk));
    stream.once('close', (error: Error | null) => this.#closed(stream, error?.message ?? 'closed'));
    stream.on('error', (error) => this.#lose(stream, error.message));
    stream.open((error) => {
      if (error) {
        if (this.#failures === 0) log.warn('port-unavailable', { port: port.name, reason: error.message });
        this.#reopenLater();
        return;
      }
      if (this.#stopped) {
        stream.close();
        return;
      }
      this.#stream = stream;
      this.#failures = 0;
      this.#watch(stream);
      log.info('port-open', { port: port.name, path: port.path, baud: port.baud });
      onChange();
    });
  }

  /** Closes the port for good; frames that noise had swallowed still come out. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#reopenTimer);
    const stream = this.#stream;
    if (stream?.isOpen) {
      const { promise, resolve } = Promise.withResolvers<void>();
      stream.once('close', () => resolve());
      stream.close();
      await promise;
    }
  }

  #receive(chunk: Uint8Array): void {
    const { clock, onHeard, onChange } = this.#options;
    const heard = this.#receiver.receive(chunk, clock.monotonic());
    if (heard.length > 0) onHeard(heard);
    clearTimeout(this.#stallTimer);
    if (this.#receiver.isWaiting) this.#awaitRest();
    onChange();
  }

  #awaitRest(): void {
    const { clock } = this.#options;
    const due = clock.monotonic() + stallMilliseconds;
    this.#stallTimer = setTimeout(() => {
      // A late timer says that this process was held up, and timers come before what is waiting to be read.
      if (clock.monotonic() - due > lateMilliseconds) this.#awaitRest();
      else this.#stall();
    }, stallMilliseconds);
  }

  #stall(): void {
    const heard = this.#receiver.stall();
    if (heard.length > 0) this.#options.onHeard(heard);
    this.#options.onChange();
  }

  /**
   * A hang-up right behind data leaves serialport 13 reading nothing in a busy loop, with no event and the port
   * "open" for ever. Closing ends it, so signs of life are looked for from outside: the descriptor's own node
   * must still exist, and the path must still lead to it (a name may by now be another device's).
   */
  #watch(stream: Stream): void {
    const fd = (stream.port as { fd?: number | null } | undefined)?.fd;
    if (typeof fd !== 'number') return;
    this.#lifeTimer = setInterval(() => {
      const gone = whyGone(fd, this.#options.port.path);
      if (gone !== undefined) this.#lose(stream, gone);
    }, lifeMilliseconds);
  }

  #lose(stream: Stream, reason: string): void {
    if (this.#stream !== stream || stream.closing) return;
    this.#options.log.warn('port-lost', { port: this.#options.port.name, reason });
    if (!stream.isOpen) {
      this.#closed(stream, reason);
      return;
    }
    stream.close((error) => {
      if (error) this.#closed(stream, error.message);
    });
  }

  #closed(stream: Stream, reason: string): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    clearInterval(this.#lifeTimer);
    clearTimeout(this.#stallTimer);
    this.#options.log.info('port-closed', { port: this.#options.port.name, reason });
    // What was begun on this opening cannot be continued on the next.
    this.#stall();
    this.#reopenLater();
  }

  #reopenLater(): void {
    if (this.#stopped) return;
    const wait = Math.min(reopen.longest, reopen.first * 2 ** this.#failures);
    this.#failures++;
    this.#reopenTimer = setTimeout(() => this.open(), wait);
  }
}

function whyGone(fd: number, path: string): string | undefined {
  try {
    const open = fstatSync(fd);
    if (open.nlink === 0) return 'the device behind the open port is gone';
    const named = statSync(path, { throwIfNoEntry: false });
    if (named === undefined) return 'the path leads nowhere any more';
    if (named.dev !== open.dev || named.ino !== open.ino) return 'the path leads to another device now';
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
