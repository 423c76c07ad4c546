import { readFileSync } from 'node:fs';
import {
  type ByteSink,
  type Played,
  playRecording,
  playTimed,
  readRecording,
  readTimes,
} from '@loadline/hil-tests';
import { Command, InvalidArgumentError } from 'commander';
import { attempt, baudRate, realLine, unlessAborted, untilInterrupted, virtualLine } from './lines.ts';

interface Flags {
  port?: string;
  link?: string;
  baud: number;
  speed: Speed;
  singleBytes: boolean;
  loop: boolean;
  json: boolean;
}

/** `line`: as a line of that baud rate; `max`: as fast as it goes; a number: so many times as it was recorded. */
type Speed = 'line' | 'max' | number;

/** Bytes written at once, so that what was taken is known when it is interrupted. */
const pieceBytes = 1024;

/** `loadline replay`: a recording into a virtual port, or a real one. */
export function replayCommand(): Command {
  return new Command('replay')
    .description(
      'play a recording of a serial line into a virtual port that any program can open, or into a real one',
    )
    .argument('<file>', 'a recording: hex with or without times, or the raw bytes')
    .option('--link <path>', 'where the virtual port is to appear')
    .option('--port <path>', 'play into this real port instead')
    .option('--baud <rate>', 'line speed', baudRate, 115_200)
    .option(
      '--speed <speed>',
      'line: the pace of the line; max: no pace; 1, 2, 0.5 …: times as recorded',
      speedOf,
      'line',
    )
    .option('--single-bytes', 'each byte a write of its own', false)
    .option('--loop', 'begin again at the end, until Ctrl-C', false)
    .option('--json', 'one line of JSON when the port is there, one at the end: {"bytes","ended"}', false)
    .addHelpText(
      'after',
      `
A virtual port is played into once a program has opened it: what comes before, such programs throw away.

Examples:
  loadline replay mast.hex --link /tmp/radio --speed 1       as it was recorded
  loadline replay mast.hex --port /dev/ttyUSB1 --loop        over two adapters, back to back`,
    )
    .action((file: string, flags: Flags, command: Command) => {
      if (flags.port !== undefined && flags.link !== undefined) {
        command.error('error: --port is a real port and --link a virtual one: choose');
      }
      return attempt('replay', () => replay(file, flags));
    });
}

async function replay(file: string, flags: Flags): Promise<void> {
  const signal = untilInterrupted();
  const play = player(file, flags);
  const line =
    flags.port === undefined ? await virtualLine(flags.link) : await realLine(flags.port, flags.baud);
  const when = flags.port === undefined ? 'as soon as a program has opened it' : 'now';
  let bytes = 0;
  let isCut = false;
  const sink: ByteSink = {
    write: async (all) => {
      for (let at = 0; at < all.length && !signal.aborted; at += pieceBytes) {
        const piece = all.subarray(at, at + pieceBytes);
        await unlessAborted(line.sink.write(piece), signal);
        if (signal.aborted) isCut = true;
        else bytes += piece.length;
      }
    },
  };
  try {
    if (flags.json) print({ port: line.path });
    else console.log(`plays ${file} into ${line.path} ${when}; Ctrl-C ends it`);
    await line.opened(signal);
    let played: Played;
    do {
      played = await play(sink, signal);
    } while (flags.loop && played.ended === 'complete' && !isCut);
    await line.drained(signal);
    if (flags.json) print({ bytes, ended: isCut ? 'aborted' : played.ended });
    else console.log(`${bytes} bytes played`);
  } finally {
    await line.close();
  }
}

/** Reads the recording before any port is opened: a mistake in its name costs nothing. */
function player(file: string, { speed, baud, singleBytes }: Flags) {
  const content = readFileSync(file);
  const { bytes } = readRecording(content);
  if (typeof speed === 'number') {
    const pieces = readTimes(content.toString('latin1'));
    if (pieces === undefined) throw new Error(`${file} has no times: choose --speed line or max`);
    return (sink: ByteSink, signal: AbortSignal) => playTimed(pieces, sink, { factor: speed, signal });
  }
  return (sink: ByteSink, signal: AbortSignal) =>
    playRecording(bytes, sink, {
      speed: speed === 'max' ? { kind: 'as-fast-as-it-goes' } : { kind: 'paced', baud },
      chunks: singleBytes ? { kind: 'single-bytes' } : { kind: 'whole' },
      signal,
    });
}

function speedOf(text: string): Speed {
  if (text === 'line' || text === 'max') return text;
  const factor = Number(text);
  if (factor >= 0.001 && factor <= 1000) return factor;
  throw new InvalidArgumentError('It must be line, max, or a number from 0.001 to 1000.');
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
