import { closeSync, fsyncSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { LineRecorder, type VirtualPort } from '@loadline/hil-tests';
import { Command } from 'commander';
import type { SerialPort } from 'serialport';
import { attempt, baudRate, openSerial, secondsOf, untilInterrupted, virtualPort } from './lines.ts';

interface Flags {
  out: string;
  baud: number;
  through?: string;
  seconds?: number;
  json: boolean;
}

/** Bytes for a program that does not read them: what is more is lost, as on a real port, and noted. */
const unreadBytes = 65_536;

/** `loadline record`: every byte of a port into a file, with its time. */
export function recordCommand(): Command {
  return new Command('record')
    .description('write every byte that comes in by a serial port to a file, with its time')
    .argument('<port>', 'the port, best its link in /dev/serial/by-id')
    .requiredOption('--out <file>', 'the recording; it must not be there yet')
    .option('--baud <rate>', 'line speed', baudRate, 115_200)
    .option(
      '--through <link>',
      'appear as a port at LINK, for a program to open in place of PORT: both sides of what they say are recorded',
    )
    .option('--seconds <n>', 'end after that long; otherwise Ctrl-C ends it', secondsOf)
    .option(
      '--json',
      'end with one line of JSON: {"bytes","pieces","seconds"}; with --through one when it is there: {"port"}',
      false,
    )
    .addHelpText(
      'after',
      `
The file is text: a line for what came together, in hex, and behind it when it came (# 1234.567 ms). It is played
with 'loadline replay' or 'npm start -- --replay'. A gateway that has the port open must be stopped first; with
--through it is started again on LINK. What it sends is a comment in the recording (#> and hex), and not played.

Examples:
  loadline record /dev/ttyUSB0 --out mast.hex --seconds 60
  loadline record /dev/ttyUSB0 --out talk.hex --through /tmp/radio     path = "/tmp/radio" in the gateway's [[ports]]`,
    )
    .action((port: string, flags: Flags) => attempt('record', () => record(port, flags)));
}

async function record(path: string, flags: Flags): Promise<void> {
  const signal = untilInterrupted(flags.seconds);
  const file = openSync(flags.out, 'wx');
  const recorder = new LineRecorder({ write: (line) => writeSync(file, line) });
  const began = performance.now();
  try {
    const port = await openSerial(path, flags.baud).catch((error: unknown) => {
      // Nothing was recorded: the name stays free.
      unlinkSync(flags.out);
      throw error;
    });
    const { promise: ended, resolve: end, reject: fail } = Promise.withResolvers<void>();
    const guarded = (work: (chunk: Buffer) => void) => (chunk: Buffer) => {
      try {
        work(chunk);
      } catch (error) {
        fail(error);
      }
    };
    port.on(
      'data',
      guarded((chunk) => recorder.take(chunk, 'station')),
    );
    port.once('close', () =>
      fail(new Error(`${path} was closed: its device is gone; ${recorder.bytes} bytes are kept`)),
    );
    port.on('error', fail);
    if (signal.aborted) end();
    signal.addEventListener('abort', () => end());
    const through = flags.through === undefined ? undefined : await virtualPort(flags.through);
    if (through !== undefined) {
      connect(port, through, recorder, fail);
      if (flags.json) print({ port: through.path });
      else console.log(`${path} is at ${through.path} now`);
    }
    const shown = flags.json
      ? undefined
      : setInterval(
          () => process.stderr.write(`\r${recorder.bytes} bytes in ${recorder.pieces} pieces `),
          1000,
        );
    try {
      await ended;
    } finally {
      clearInterval(shown);
      await through?.close();
      if (port.isOpen) await new Promise<void>((resolve) => port.close(() => resolve()));
    }
  } finally {
    fsyncSync(file);
    closeSync(file);
  }
  const { bytes, pieces } = recorder;
  const seconds = Math.round(performance.now() - began) / 1000;
  if (flags.json) print({ bytes, pieces, seconds });
  else console.log(`\n${bytes} bytes in ${seconds} s, in ${flags.out}`);
}

/** Leads what a real port says to the program at a virtual one, and what that says to the real one, which is recorded. */
function connect(
  port: SerialPort,
  through: VirtualPort,
  recorder: LineRecorder,
  fail: (error: unknown) => void,
): void {
  let waiting = 0;
  port.on('data', (chunk: Buffer) => {
    if (waiting + chunk.length > unreadBytes) {
      recorder.note(`${chunk.length} bytes were lost: nobody reads ${through.path}`);
      return;
    }
    waiting += chunk.length;
    const done = () => {
      waiting -= chunk.length;
    };
    // It is closed at the end: what nobody had read until then is no matter any more.
    through.write(chunk).then(done, done);
  });
  through.onData((bytes) => {
    try {
      recorder.take(bytes, 'host');
      port.write(Buffer.from(bytes));
    } catch (error) {
      fail(error);
    }
  });
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
