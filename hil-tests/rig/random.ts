import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Numbers after which a generator has forgotten how its seed looked. */
const UNMIXED = 16;

/** Random numbers that are the same for the same seed, on every machine. Not for secrets. */
export class SeededRandom {
  readonly #generator;

  /** `seed`: any whole number of 32 bits. */
  constructor(seed: number) {
    this.#generator = xoroshiro128plus(seed);
    // Its state begins as the seed and its complement: the first number would be the greatest for every seed, and the
    // next ones alike for seeds that are alike.
    for (let drawn = 0; drawn < UNMIXED; drawn++) this.uniform();
  }

  /** A number from 0 to below 1. */
  uniform(): number {
    return uniformFloat64(this.#generator);
  }

  /** A whole number, both bounds included. */
  integer(least: number, most: number): number {
    return uniformInt(this.#generator, least, most);
  }

  /** Normally distributed, mean 0 and standard deviation 1 (Box-Muller). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Until something comes that comes by chance, on average every `mean`. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.uniform());
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.integer(0, 255));
  }
}

/** What wanders about a mean: an Ornstein-Uhlenbeck process, exact for any step of time. */
export class Wandering {
  readonly #random: SeededRandom;
  readonly #mean: number;
  readonly #deviation: number;
  readonly #correlationMs: number;
  #value: number;

  /** `deviation`: standard deviation in the long run. `correlationMs`: time after which it has forgotten 63 %. */
  constructor(random: SeededRandom, mean: number, deviation: number, correlationMs: number) {
    this.#random = random;
    this.#mean = mean;
    this.#deviation = deviation;
    this.#correlationMs = correlationMs;
    this.#value = mean + deviation * random.normal();
  }

  /** Its value after `milliseconds` more. */
  step(milliseconds: number): number {
    const kept = Math.exp(-milliseconds / this.#correlationMs);
    const fresh = this.#deviation * Math.sqrt(1 - kept * kept);
    this.#value = this.#mean + (this.#value - this.#mean) * kept + fresh * this.#random.normal();
    return this.#value;
  }
}
