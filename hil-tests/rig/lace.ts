import { Framer, frameOverheadBytes } from '@loadline/sdk/t24';
import { inRange, RigError } from './errors.ts';
import { SeededRandom } from './random.ts';

/** Options of `lace`. */
export interface LaceOptions {
  /** The same seed gives the same noise. */
  readonly seed: number;
  /** Fewest bytes of noise in a gap. Default: 0. */
  readonly leastBytes?: number;
  /** Most bytes of noise in a gap. Default: 40. */
  readonly mostBytes?: number;
}

/** What came out of `lace`. */
export interface Laced {
  readonly bytes: Uint8Array;
  /** Frames that were in the recording, all of them still in `bytes`. */
  readonly frames: number;
  /** Bytes of noise put between them. */
  readonly noiseBytes: number;
}

const ATTEMPTS = 20;

/**
 * Puts random bytes before, between and behind the frames of a recording of clean frames.
 *
 * Noise can look like the beginning of a longer frame; a receiver that drops one byte at a time recovers what is
 * behind it, at the latest when the line has been silent. What no receiver can tell from a frame is noise whose CRC
 * holds by chance (1 in some 10^8 bytes): that is looked for, and other noise drawn. So exactly the recording's
 * frames are in what comes out. Throws RigError `recording` if the recording is not made of whole frames.
 */
export function lace(recording: Uint8Array, options: LaceOptions): Laced {
  const { seed, leastBytes = 0, mostBytes = 40 } = options;
  inRange('leastBytes', leastBytes, 0, 65_536);
  inRange('mostBytes', mostBytes, leastBytes, 65_536);
  const frames = cut(recording);
  const random = new SeededRandom(seed);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const pieces: Uint8Array[] = [];
    let noiseBytes = 0;
    for (const frame of [...frames, undefined]) {
      const noise = random.bytes(random.integer(leastBytes, mostBytes));
      noiseBytes += noise.length;
      pieces.push(noise);
      if (frame !== undefined) pieces.push(frame);
    }
    const bytes = new Uint8Array(Buffer.concat(pieces));
    if (holdsExactly(bytes, frames)) return { bytes, frames: frames.length, noiseBytes };
  }
  throw new RigError('recording', `no noise in ${ATTEMPTS} attempts left the ${frames.length} frames alone`);
}

/** Frames as they stand in a recording that is nothing but frames. */
function cut(recording: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  let position = 0;
  const framer = new Framer();
  for (const framed of [...framer.push(recording), ...framer.stalled()]) {
    if (framed.kind === 'discarded') {
      const what = `${framed.bytes.length} bytes at offset ${position} are not part of a frame (${framed.reason})`;
      throw new RigError('recording', `only a recording of whole frames can be laced: ${what}`);
    }
    const end = position + framed.packet.length + frameOverheadBytes;
    frames.push(recording.slice(position, end));
    position = end;
  }
  return frames;
}

function holdsExactly(bytes: Uint8Array, frames: readonly Uint8Array[]): boolean {
  const framer = new Framer();
  const found = [...framer.push(bytes), ...framer.stalled()].filter((framed) => framed.kind === 'frame');
  return (
    found.length === frames.length &&
    found.every(({ packet }, index) => Buffer.compare(packet, frames[index]?.subarray(3, -2) ?? packet) === 0)
  );
}
