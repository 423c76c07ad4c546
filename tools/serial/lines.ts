import { watchLife } from '@loadline/device-runtime';
import { type ByteSink, VirtualPort } from '@loadline/hil-tests';
import { bauds, RealPort } from '@loadline/hil-tests/metal';
import { InvalidArgumentError } from 'commander';
import { SerialPort } from 'serialport';

/** A baud rate off the command line. */
export function baudRate(text: string): number {
  const baud = Number(text);
  if (bauds.some((one) => one === baud)) return baud;
  throw new InvalidArgumentError(`It must be one of ${bauds.join(', ')}.`);
}

/** A number of seconds off the command line, above 0. */
export function secondsOf(text: string): number {
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds > 0) return seconds;
  throw new InvalidArgumentError('It must be a number of seconds above 0.');
}

/**
 * Opens a serial port, 8N1. Throws an Error that says which, why, and what to look at. Its `close` event comes in any
 * case when its device goes, at whatever moment, or its `error` event.
 */
export async function openSerial(path: string, baud: number): Promise<SerialPort> {
  const port = new SerialPort({
    path,
    baudRate: baud,
    dataBits: 8,
    parity: 'none',
    stopBits: 1,
    autoOpen: false,
  });
  await new Promise<void>((resolve, reject) => {
    port.open((error) => {
      if (error === null || error === undefined) resolve();
      else reject(new Error(`${path} cannot be opened: ${error.message.replace(/^Error: /, '')}`));
    });
  });
  const { fd } = port.port as { readonly fd?: number | null };
  // Elsewhere than on Linux and macOS there is no descriptor; nor is there the hang-up that nobody hears of.
  if (typeof fd === 'number') {
    const endWatch = watchLife(fd, path, () => {
      if (port.isOpen) port.close();
    });
    port.once('close', endWatch);
  }
  return port;
}

/** A place to play into, and how to leave it. */
export interface Line {
  readonly path: string;
  readonly sink: ByteSink;
  /** Resolves when somebody is there to hear it: of a virtual port, a program that has opened it; or when it is aborted. */
  opened(signal: AbortSignal): Promise<void>;
  /** Resolves when all that was played has left: where a virtual port is read, or when it is aborted. */
  drained(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** A virtual port behind a link: what a gateway opens. Without a path the link is in a temporary folder. */
export async function virtualPort(link: string | undefined): Promise<VirtualPort> {
  const [, folder, name] = /^(?:(.*)\/)?([^/]+)$/.exec(link ?? '') ?? [];
  if (link !== undefined && name === undefined) throw new Error(`--link ${link}: it must end in a name`);
  return await VirtualPort.open(link === undefined ? {} : { folder: folder ?? '.', name: name ?? '' });
}

/** A virtual port to play into. */
export async function virtualLine(link: string | undefined): Promise<Line> {
  const port = await virtualPort(link);
  return {
    path: port.path,
    sink: port,
    opened: (signal) => unlessAborted(port.opened({ limitMs: Number.POSITIVE_INFINITY }), signal),
    drained: (signal) => port.drained(signal),
    close: () => port.close(),
  };
}

/** A real port to play into: bytes leave as fast as the adapter takes them. */
export async function realLine(path: string, baud: number): Promise<Line> {
  const port = await RealPort.open(path, { baud });
  return {
    path,
    sink: port,
    opened: async () => undefined,
    drained: (signal) => unlessAborted(port.drained(), signal),
    close: () => port.close(),
  };
}

/** Waits for `work`, or until `signal` is aborted: a write that nobody reads is never over. Rejects as `work` does. */
export async function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const abort = () => resolve();
  signal.addEventListener('abort', abort);
  if (signal.aborted) abort();
  try {
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Aborted by Ctrl-C, SIGTERM or SIGHUP, or after some seconds. */
export function untilInterrupted(seconds?: number): AbortSignal {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => interrupted.abort());
  if (seconds === undefined) return interrupted.signal;
  return AbortSignal.any([interrupted.signal, AbortSignal.timeout(seconds * 1000)]);
}

/** Runs a command's work; an error is one line on standard error and exit code 1. */
export async function attempt(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    process.stderr.write(`loadline ${name}: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
