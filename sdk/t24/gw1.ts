import { T24Error } from './errors.ts';
import { tagName } from './tag.ts';

/** One reading as a T24-GW1 in ASCII mode reports it. */
export interface Gw1Line {
  readonly kind: 'line';
  /** Data tag, 0..0xFFFF. */
  readonly tag: number;
  readonly value: number;
  /** The value's digits as they came. */
  readonly text: string;
  /** Link quality in percent, 0..100. */
  readonly lqi: number;
  readonly batteryLow: boolean;
  readonly integrityError: boolean;
  /** Bytes of the line on the wire, its CR and an LF before it included. */
  readonly size: number;
}

/**
 * - `notALine`: it ended with CR and is not what a GW1 sends
 * - `tooLong`: no CR within `maxGw1LineBytes`; what follows up to the next CR goes with it
 * - `stalled`: the rest of the line never came
 */
export type Gw1DiscardReason = 'notALine' | 'tooLong' | 'stalled';

/** What leaves the line framer: every byte is in one of these (`size`, `bytes`), or still held. */
export type Gw1Framed =
  | Gw1Line
  | { readonly kind: 'discarded'; readonly bytes: Uint8Array; readonly reason: Gw1DiscardReason };

/** Bytes of the longest line taken, CR included: twice what the format needs. */
export const maxGw1LineBytes = 64;

const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const decimal = String.raw`[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)`;
const decimalPattern = new RegExp(`^${decimal}$`);
const linePattern = new RegExp(`^([0-9A-Fa-f]{4})=(${decimal}),([0-9]{1,3}),([01]),([01]) ?$`);

/**
 * Finds GW1 lines in the bytes of one serial line, however they are split (format in README.md). The lines
 * carry no checksum, so a line with a single foreign byte in it is dropped whole: a number may not be mended.
 */
export class Gw1Framer {
  readonly #line = new Uint8Array(maxGw1LineBytes);
  #held = 0;
  #skipping = false;

  /** Bytes that wait for their CR; below `maxGw1LineBytes`. Bytes in = sizes of lines + discarded + held. */
  get held(): number {
    return this.#held;
  }

  /** Takes the next bytes; gives what they completed, in the order of the line. */
  push(chunk: Uint8Array): Gw1Framed[] {
    const framed: Gw1Framed[] = [];
    for (const byte of chunk) {
      this.#line[this.#held] = byte;
      this.#held += 1;
      if (byte === carriageReturn) {
        framed.push(this.#skipping ? this.#discard('tooLong') : this.#finish());
        this.#skipping = false;
      } else if (this.#held === maxGw1LineBytes) {
        framed.push(this.#discard('tooLong'));
        this.#skipping = true;
      }
    }
    return framed;
  }

  /**
   * To be called when no byte has come for `stallMilliseconds`: gives up the line that was begun. An LF alone
   * stays, it belongs to the line that ended.
   */
  stalled(): Gw1Framed[] {
    if (this.#held === 0 || (this.#held === 1 && this.#line[0] === lineFeed)) return [];
    const framed = this.#discard(this.#skipping ? 'tooLong' : 'stalled');
    this.#skipping = false;
    return [framed];
  }

  #finish(): Gw1Framed {
    const start = this.#line[0] === lineFeed ? 1 : 0;
    const text = String.fromCharCode(...this.#line.subarray(start, this.#held - 1));
    const [, tag = '', digits = '', lqi = '', battery, integrity] = linePattern.exec(text) ?? [];
    if (tag === '' || Number(lqi) > 100) return this.#discard('notALine');
    const size = this.#held;
    this.#held = 0;
    return {
      kind: 'line',
      tag: Number.parseInt(tag, 16),
      value: Number(digits),
      text: digits,
      lqi: Number(lqi),
      batteryLow: battery === '1',
      integrityError: integrity === '1',
      size,
    };
  }

  #discard(reason: Gw1DiscardReason): Gw1Framed {
    const bytes = this.#line.slice(0, this.#held);
    this.#held = 0;
    return { kind: 'discarded', bytes, reason };
  }
}

/**
 * A line as a GW1 would send it, ending with CR.
 *
 * @throws T24Error `line` if a field cannot be written as the format wants it
 */
export function encodeGw1Line(line: Omit<Gw1Line, 'kind' | 'value' | 'size'>): Uint8Array {
  const { tag, text, lqi } = line;
  if (!Number.isInteger(tag) || tag < 0 || tag > 0xffff) {
    throw new T24Error('line', `tag ${tag} is not a whole number 0..65535`);
  }
  if (!decimalPattern.test(text)) throw new T24Error('line', `"${text}" is not a decimal number`);
  if (!Number.isInteger(lqi) || lqi < 0 || lqi > 100) {
    throw new T24Error('line', `link quality ${lqi} is not a whole number 0..100`);
  }
  const name = tagName(tag);
  const flags = `${line.batteryLow ? 1 : 0},${line.integrityError ? 1 : 0}`;
  const written = `${name}=${text},${lqi},${flags}\r`;
  if (written.length > maxGw1LineBytes) {
    throw new T24Error('line', `the line has ${written.length} bytes; at most ${maxGw1LineBytes} are taken`);
  }
  return Uint8Array.from(written, (character) => character.charCodeAt(0));
}
