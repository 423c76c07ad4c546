import { closeSync, fsyncSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { recordingLine } from '@loadline/hil-tests';
import { Command } from 'commander';
import { attempt, baudRate, openSerial, secondsOf, untilInterrupted } from './lines.ts';

interface Flags {
  out: string;
  baud: number;
  seconds?: number;
  json: boolean;
}

/** `loadline record`: every byte of a port into a file, with its time. */
export function recordCommand(): Command {
  return new Command('record')
    .description('write every byte that comes in by a serial port to a file, with its time')
    .argument('<port>', 'the port, best its link in /dev/serial/by-id')
    .requiredOption('--out <file>', 'the recording; it must not be there yet')
    .option('--baud <rate>', 'line speed', baudRate, 115_200)
    .option('--seconds <n>', 'end after that long; otherwise Ctrl-C ends it', secondsOf)
    .option('--json', 'end with one line of JSON: {"bytes","pieces","seconds"}', false)
    .addHelpText(
      'after',
      `
The file is text: a line for what came together, in hex, and behind it when it came (# 1234.567 ms). It is played
with 'loadline replay' or 'npm start -- --replay'. A gateway that has the port open must be stopped first.

Example:
  loadline record /dev/ttyUSB0 --out mast.hex --seconds 60`,
    )
    .action((port: string, flags: Flags) => attempt('record', () => record(port, flags)));
}

async function record(path: string, flags: Flags): Promise<void> {
  const signal = untilInterrupted(flags.seconds);
  const file = openSync(flags.out, 'wx');
  let bytes = 0;
  let pieces = 0;
  const began = performance.now();
  try {
    const port = await openSerial(path, flags.baud).catch((error: unknown) => {
      // Nothing was recorded: the name stays free.
      unlinkSync(flags.out);
      throw error;
    });
    const { promise: ended, resolve: end, reject: fail } = Promise.withResolvers<void>();
    port.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      pieces++;
      try {
        writeSync(file, recordingLine({ at: performance.now() - began, bytes: chunk }));
      } catch (error) {
        fail(error);
      }
    });
    port.once('close', () =>
      fail(new Error(`${path} was closed: its device is gone; ${bytes} bytes are kept`)),
    );
    port.on('error', fail);
    if (signal.aborted) end();
    signal.addEventListener('abort', () => end());
    const shown = flags.json
      ? undefined
      : setInterval(() => process.stderr.write(`\r${bytes} bytes in ${pieces} pieces `), 1000);
    try {
      await ended;
    } finally {
      clearInterval(shown);
      if (port.isOpen) await new Promise<void>((resolve) => port.close(() => resolve()));
    }
  } finally {
    fsyncSync(file);
    closeSync(file);
  }
  const seconds = Math.round(performance.now() - began) / 1000;
  if (flags.json) process.stdout.write(`${JSON.stringify({ bytes, pieces, seconds })}\n`);
  else console.log(`\n${bytes} bytes in ${seconds} s, in ${flags.out}`);
}
