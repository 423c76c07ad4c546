import { type Heard, rssiDecibels } from '@loadline/sdk/t24';
import type { SeededRandom } from './random.ts';
import { Wandering } from './random.ts';

/** People who walk through the way of the radio, on every way of it by themselves. */
export interface People {
  /** Milliseconds between two of them on average. */
  readonly everyMs: number;
  /** Milliseconds one of them stands in the way on average. */
  readonly forMs: number;
  /** What a body takes off in dB. Default: 12. */
  readonly decibels?: number;
}

/** The strength that transmitters state is heard from so far away. */
const referenceMetres = 4;
/** Nearer than this nothing gets stronger. */
const nearestMetres = 0.5;

/** How far two ways differ at one distance, and how long they stay so. */
const WAY_DEVIATION_DECIBELS = 2;
const WAY_CORRELATION_MS = 15_000;

/**
 * The strength at which half of the packets are lost, and how many dB turn one lost in two into one in four: a
 * receiver of IEEE 802.15.4 hears everything at -85 dB and nothing at -97 (the scale of the manual's LQI: -94 is 0).
 */
const HALF_LOST_DECIBELS = -92;
const LOSS_SLOPE_DECIBELS = 1.2;
/** The correlation falls where the noise comes near: to 55, poor, at -94 dB. */
const CLEAR_DECIBELS = -80;
const CORRELATION_PER_DECIBEL = 3.5;
const RSSI_OFFSET_DECIBELS = 45;

/** What a distance in metres takes off in dB, beside what is heard 4 m away (log-distance path loss). */
export function pathLoss(metres: number, exponent: number): number {
  return 10 * exponent * Math.log10(Math.max(metres, nearestMetres) / referenceMetres);
}

/** Chance that a packet of this strength in dB is received whole. */
export function receptionChance(decibels: number): number {
  return 1 / (1 + Math.exp((HALF_LOST_DECIBELS - decibels) / LOSS_SLOPE_DECIBELS));
}

/** RSSI and CV bytes of a packet that was sent with those of `sent` and arrives with a strength in dB. */
export function heardAt(decibels: number, sent: Heard): Heard {
  const poorer = Math.max(0, CLEAR_DECIBELS - decibels) * CORRELATION_PER_DECIBEL;
  const cv = Math.round(Math.min(127, Math.max(0, (sent.cv & 0x7f) - poorer)));
  const rssi = Math.round(Math.min(127, Math.max(-128, decibels + RSSI_OFFSET_DECIBELS))) & 0xff;
  return { rssi, cv };
}

/** The strength in dB that a packet was sent with. */
export function sentDecibels(sent: Heard): number {
  return rssiDecibels(sent.rssi);
}

/** The way from one transmitter to one receiver: what it takes off changes with time. */
export class Link {
  readonly #random: SeededRandom;
  readonly #wandering: Wandering;
  readonly #people: People | undefined;
  #at: number;
  #isBlocked = false;
  #changesAt: number;

  constructor(random: SeededRandom, at: number, people: People | undefined) {
    this.#random = random;
    this.#wandering = new Wandering(random, 0, WAY_DEVIATION_DECIBELS, WAY_CORRELATION_MS);
    this.#people = people;
    this.#at = at;
    this.#changesAt =
      people === undefined ? Number.POSITIVE_INFINITY : at + random.exponential(people.everyMs);
  }

  /** What the way takes off at a moment in dB, beside its length. */
  loss(at: number): number {
    const people = this.#people;
    while (people !== undefined && at >= this.#changesAt) {
      this.#isBlocked = !this.#isBlocked;
      this.#changesAt += this.#random.exponential(this.#isBlocked ? people.forMs : people.everyMs);
    }
    // Another clock may have begun from the beginning.
    const wandered = this.#wandering.step(Math.max(0, at - this.#at));
    this.#at = at;
    return wandered + (this.#isBlocked ? (people?.decibels ?? 12) : 0);
  }
}
