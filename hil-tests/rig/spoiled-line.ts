import type { ByteSink } from './byte-sink.ts';
import { inRange } from './errors.ts';
import { SeededRandom } from './random.ts';

/** A dip of the supply: what is sent breaks off in the middle, and rubbish comes out until it is back. */
export interface BrownOut {
  /** Bytes that still pass whole. Default: 0. */
  readonly afterBytes?: number;
  /** Bytes of the sender that are lost then. */
  readonly lostBytes: number;
  /** Random bytes that come out in their place. Default: 0. */
  readonly garbageBytes?: number;
}

/** Options of a spoiled line. */
export interface SpoiledLineOptions {
  /** The same seed spoils the same bytes. */
  readonly seed: number;
}

/** What became of the bytes. */
export interface SpoiledCounts {
  /** Bytes of the sender that passed, flipped ones among them. */
  readonly passed: number;
  /** Bytes that passed with one bit the other way. */
  readonly flipped: number;
  /** Bytes of the sender that were lost. */
  readonly lost: number;
  /** Bytes that nobody sent. */
  readonly garbage: number;
}

/**
 * A line that damages what passes: put it between a base station and its port. Whatever is done to the bytes, those
 * before and behind it are whole and in order, and the sender learns nothing of it.
 */
export class SpoiledLine implements ByteSink {
  readonly #sink: ByteSink;
  readonly #random: SeededRandom;
  #flipRate = 0;
  #brownOut: { after: number; lost: number; garbage: number } | undefined;
  #counts = { passed: 0, flipped: 0, lost: 0, garbage: 0 };

  constructor(sink: ByteSink, { seed }: SpoiledLineOptions) {
    this.#sink = sink;
    this.#random = new SeededRandom(seed);
  }

  get counts(): SpoiledCounts {
    return { ...this.#counts };
  }

  /** From now on this share of the bytes, 0..1, has one bit the other way, as a bad ground makes of them. */
  flipBits(rate: number): void {
    this.#flipRate = inRange('rate', rate, 0, 1);
  }

  /** One dip of the supply, with the next bytes. A dip that has not ended is replaced. */
  brownOut(dip: BrownOut): void {
    const { afterBytes = 0, lostBytes, garbageBytes = 0 } = dip;
    this.#brownOut = {
      after: inRange('afterBytes', afterBytes, 0, 65_536),
      lost: inRange('lostBytes', lostBytes, 1, 65_536),
      garbage: inRange('garbageBytes', garbageBytes, 0, 65_536),
    };
  }

  async write(bytes: Uint8Array): Promise<void> {
    const spoiled = this.#spoil(bytes);
    if (spoiled.length > 0) await this.#sink.write(spoiled);
  }

  #spoil(bytes: Uint8Array): Uint8Array {
    const out: number[] = [];
    for (const byte of bytes) {
      const dip = this.#brownOut;
      if (dip === undefined || dip.after > 0) {
        if (dip !== undefined) dip.after -= 1;
        out.push(this.#pass(byte));
        continue;
      }
      dip.lost -= 1;
      this.#counts.lost += 1;
      if (dip.lost > 0) continue;
      for (const rubbish of this.#random.bytes(dip.garbage)) out.push(rubbish);
      this.#counts.garbage += dip.garbage;
      this.#brownOut = undefined;
    }
    return Uint8Array.from(out);
  }

  #pass(byte: number): number {
    this.#counts.passed += 1;
    if (this.#flipRate === 0 || this.#random.uniform() >= this.#flipRate) return byte;
    this.#counts.flipped += 1;
    return byte ^ (1 << this.#random.integer(0, 7));
  }
}
