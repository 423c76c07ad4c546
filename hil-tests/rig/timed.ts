import type { ByteSink } from './byte-sink.ts';
import type { Clock } from './clock.ts';
import { realClock } from './clock.ts';
import { inRange } from './errors.ts';
import type { Played } from './player.ts';

/** Whose bytes they are: what a base station sends to its host, or what the host sends to it. */
export type LineSide = 'station' | 'host';

/** Bytes of a line as they came together, and when: milliseconds since the recording began. */
export interface TimedBytes {
  readonly at: number;
  readonly bytes: Uint8Array;
  /** Default: `station`. */
  readonly from?: LineSide;
}

/**
 * A line of a recording in hex with its time behind it, `0B0B0123… # 1234.567 ms`: to a reader of hex a comment. What
 * the host sent is a comment as a whole, `#> 0600… # 1234.567 ms`, so that a recording of both is one of the station.
 */
export function recordingLine({ at, bytes, from = 'station' }: TimedBytes): string {
  const hex = Buffer.from(bytes).toString('hex').toUpperCase();
  return `${from === 'host' ? '#> ' : ''}${hex} # ${at.toFixed(3)} ms\n`;
}

const timedLine = /^\s*([0-9A-Fa-f]+)\s*# ([0-9]+(?:\.[0-9]+)?) ms\s*$/;
const hostLine = /^\s*#> ([0-9A-Fa-f]+ # [0-9.]+ ms)\s*$/;

/**
 * The pieces of a recording in hex and their times, as the station sent them; undefined where not every line of bytes
 * has its time. `readBothSides` has what the host sent too.
 */
export function readTimes(text: string): readonly TimedBytes[] | undefined {
  return readBothSides(text)?.filter(({ from }) => from === 'station');
}

/** As `readTimes`, and between the station's pieces those of the host, in the order of the recording. */
export function readBothSides(text: string): readonly Required<TimedBytes>[] | undefined {
  const pieces: Required<TimedBytes>[] = [];
  for (const line of text.split('\n')) {
    const [, host] = hostLine.exec(line) ?? [];
    if (host === undefined && /^\s*(#.*)?$/.test(line)) continue;
    const [, hex = '', at = ''] = timedLine.exec(host ?? line) ?? [];
    if (hex === '' || hex.length % 2 === 1) return undefined;
    const from = host === undefined ? 'station' : 'host';
    pieces.push({ at: Number(at), bytes: Buffer.from(hex, 'hex'), from });
  }
  return pieces.some(({ from }) => from === 'station') ? pieces : undefined;
}

/** Options of `playTimed`. */
export interface PlayTimedOptions {
  /** How many times faster than it was recorded. Default: 1. */
  readonly factor?: number;
  /** Default: the computer's own clock. */
  readonly clock?: Clock;
  /** Ends the playing after the piece that is on its way. Default: plays to the end. */
  readonly signal?: AbortSignal;
}

/** Plays pieces into a port at the moments they were recorded at. Rejects as the sink does. */
export async function playTimed(
  pieces: readonly TimedBytes[],
  sink: ByteSink,
  options: PlayTimedOptions = {},
): Promise<Played> {
  const { clock = realClock, signal } = options;
  const factor = inRange('factor', options.factor ?? 1, 0.001, 1000);
  const began = clock.now() - (pieces[0]?.at ?? 0) / factor;
  let played = 0;
  for (const { at, bytes } of pieces) {
    await clockReaches(clock, began + at / factor, signal);
    if (signal?.aborted) return { bytes: played, ended: 'aborted' };
    await sink.write(bytes);
    played += bytes.length;
  }
  return { bytes: played, ended: 'complete' };
}

function clockReaches(clock: Clock, at: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(at - clock.now(), done);
    signal?.addEventListener('abort', done);
  });
}
