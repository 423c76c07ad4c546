import { crc16 } from './crc.ts';
import {
  dataSizeFits,
  firstBase,
  frameOverheadBytes,
  lastBase,
  maxPacketBytes,
  packetSizeFits,
  packetTypes,
} from './layout.ts';

/**
 * Why bytes are not part of a frame. Each dropped byte has the reason that ruled it out as a frame's first.
 *
 * - `length`: not followed by an equal byte, or not 1..71: no packet has this size
 * - `baseAddress`: two equal lengths, but no base address 1..16 behind them
 * - `packetSize`: a packet of this type, or data of this type, cannot have this length
 * - `crc`: everything fits but the CRC
 * - `stalled`: the rest of the frame never came
 */
export type DiscardReason = 'length' | 'baseAddress' | 'packetSize' | 'crc' | 'stalled';

/** What leaves the framer: every byte that went in is in exactly one of these, or still held. */
export type Framed =
  | { readonly kind: 'frame'; readonly base: number; readonly packet: Uint8Array }
  | { readonly kind: 'discarded'; readonly bytes: Uint8Array; readonly reason: DiscardReason };

/**
 * Milliseconds without a byte after which the edge calls `Framer.stalled()`. The longest frame takes 80 ms at
 * 9600 baud and USB adapters gather bytes for 16 ms, so a frame on its way never pauses this long; and it is
 * how late a frame can be that came behind noise which looked like a longer one.
 */
export const stallMilliseconds = 250;

/** Bytes looked at in one go. Longer chunks pass through in pieces, so memory does not follow their size. */
const windowBytes = 4096;

/** What a look at one position says: a frame starts here, more bytes are needed, or why it is none. */
type Verdict = 'frame' | 'incomplete' | Exclude<DiscardReason, 'stalled'>;

/**
 * Finds frames in the bytes of one serial line, however they are split, and finds its way back after noise by
 * dropping one byte at a time. It never throws, keeps no clock, and holds less than one maximal frame.
 */
export class Framer {
  readonly #window = new Uint8Array(windowBytes);
  #held = 0;

  /** Bytes that wait for the rest of a frame; below `maxFrameBytes`. Bytes in = framed + discarded + held. */
  get held(): number {
    return this.#held;
  }

  /**
   * Takes the next bytes of the line; they may be reused afterwards. Gives what they completed, in the order
   * of the line. Adjacent bytes dropped for one reason in one push come as one value.
   */
  push(chunk: Uint8Array): Framed[] {
    const framed: Framed[] = [];
    let taken = 0;
    while (taken < chunk.length) {
      const room = windowBytes - this.#held;
      if (chunk.length - taken <= room) {
        this.#take(taken === 0 ? chunk : chunk.subarray(taken));
        taken = chunk.length;
      } else {
        this.#take(chunk.subarray(taken, taken + room));
        taken += room;
      }
      this.#scan(framed);
    }
    return framed;
  }

  /**
   * To be called when no byte has come for `stallMilliseconds`: no candidate held can still be completed. The
   * one at the head loses its first byte, the rest is looked at again for frames it had swallowed, and so on
   * until nothing is held. Complete frames behind a false beginning come out here.
   */
  stalled(): Framed[] {
    const framed: Framed[] = [];
    const window = this.#window;
    while (this.#held > 0) {
      discard(framed, window, 0, 1, 'stalled');
      this.#held -= 1;
      window.copyWithin(0, 1, 1 + this.#held);
      this.#scan(framed);
    }
    return framed;
  }

  #take(bytes: Uint8Array): void {
    if (bytes.length === 1) this.#window[this.#held] = bytes[0] as number;
    else this.#window.set(bytes, this.#held);
    this.#held += bytes.length;
  }

  /** Takes everything that can be judged out of the window, and moves what cannot to its front. */
  #scan(framed: Framed[]): void {
    const window = this.#window;
    const end = this.#held;
    let position = 0;
    let droppedFrom = 0;
    let droppedFor: DiscardReason = 'length';
    while (position < end) {
      const verdict = judge(window, position, end);
      if (verdict === 'incomplete') break;
      if (verdict === droppedFor) {
        position += 1;
        continue;
      }
      discard(framed, window, droppedFrom, position, droppedFor);
      droppedFrom = position;
      if (verdict === 'frame') {
        const size = window[position] as number;
        const packet = window.slice(position + 3, position + 3 + size);
        framed.push({ kind: 'frame', base: window[position + 2] as number, packet });
        position += size + frameOverheadBytes;
        droppedFrom = position;
      } else {
        droppedFor = verdict;
        position += 1;
      }
    }
    discard(framed, window, droppedFrom, position, droppedFor);
    if (position > 0) {
      window.copyWithin(0, position, end);
      this.#held = end - position;
    }
  }
}

/** Looks at the candidate at `start`, and rules it out as early as its bytes allow, always in one order. */
function judge(window: Uint8Array, start: number, end: number): Verdict {
  const size = window[start] as number;
  if (size < 1 || size > maxPacketBytes) return 'length';
  const available = end - start;
  if (available < 2) return 'incomplete';
  if (window[start + 1] !== size) return 'length';
  if (available < 3) return 'incomplete';
  const base = window[start + 2] as number;
  if (base < firstBase || base > lastBase) return 'baseAddress';
  if (available < 4) return 'incomplete';
  const firstByte = window[start + 3] as number;
  if (!packetSizeFits(firstByte, size)) return 'packetSize';
  // Only of data providers is the inner layout certain enough to drop a frame for it.
  if ((firstByte & 0x1f) === packetTypes.dataProvider) {
    if (available < 8) return 'incomplete';
    if (!dataSizeFits(window[start + 7] as number, size - 7)) return 'packetSize';
  }
  const crcAt = size + 3;
  if (available < crcAt + 2) return 'incomplete';
  const crc = crc16(window, start, start + crcAt);
  const sent = (window[start + crcAt] as number) | ((window[start + crcAt + 1] as number) << 8);
  return crc === sent ? 'frame' : 'crc';
}

function discard(
  framed: Framed[],
  window: Uint8Array,
  from: number,
  to: number,
  reason: DiscardReason,
): void {
  if (to > from) framed.push({ kind: 'discarded', bytes: window.slice(from, to), reason });
}
