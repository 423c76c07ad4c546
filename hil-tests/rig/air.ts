import { type DataProviderPacket, encodePacket, type Heard, maxPacketBytes } from '@loadline/sdk/t24';
import type { Receiver } from './base-station.ts';
import type { Clock } from './clock.ts';
import { inRange } from './errors.ts';
import { heardAt, type People, receptionChance, sentDecibels } from './link.ts';
import { madeOnce } from './made-once.ts';
import { SeededRandom } from './random.ts';
import type { VirtualTransmitter } from './transmitters/index.ts';
import { type Obstacle, type Place, type Thing, Ways } from './ways.ts';

/** Options of an air. */
export interface AirOptions {
  /** The same seed makes the same of the same broadcasts. Default: 1. */
  readonly seed?: number;
  /** How fast strength falls with distance: 2 in the open, 3 and more among steel. Default: 2.5. */
  readonly exponent?: number;
  /**
   * `csma`, as modules are delivered: who finds the channel busy waits, and a random time on top. `no-csma`: who finds
   * it busy begins as soon as it is free, as all others who wait (parameter 18, UseCSMA; Appendix A of the manual).
   * `collision-free`: as if every module had a channel of its own. Default: `csma`.
   */
  readonly access?: 'csma' | 'no-csma' | 'collision-free';
  /**
   * By how much the clocks of modules are off at most, in millionths: what keeps modules of one interval from meeting
   * always or never. Default: 40.
   */
  readonly crystalPpm?: number;
  /** People in the way. Default: nobody. */
  readonly people?: People;
}

/** What became of the packets that were on the air, at one receiver. */
export interface AirCounts {
  readonly heard: number;
  /** Lost to another packet at the same time that was not much weaker. */
  readonly collided: number;
  /** Lost because they were too weak. */
  readonly faded: number;
}

/** A packet goes on the air behind this many bytes: preamble and length, and the radio's own header and checksum. */
const AIR_OVERHEAD_BYTES = 17;
/** IEEE 802.15.4 at 2.4 GHz: 250 kbit/s. */
const MS_PER_BYTE = 0.032;
/** A stronger packet is received in spite of a weaker one (capture): by so much. */
const CAPTURE_DECIBELS = 3;
/** Whoever is weaker than this at a transmitter is not noticed by it: a hidden node. */
const SENSE_DECIBELS = -77;
/** Who has just begun is not noticed yet: the time a radio takes from listening to sending. */
const TURNAROUND_MS = 0.192;
/** Slots of random waiting, 1 to 3 of them (Appendix A of the manual). */
const BACKOFF_MS = 0.32;
const BACKOFF_SLOTS = 3;

/** Longer than any packet is on the air, in ms. */
const LONGEST_MS = (AIR_OVERHEAD_BYTES + maxPacketBytes) * MS_PER_BYTE;

interface Transmission {
  readonly transmitter: VirtualTransmitter;
  readonly packet: DataProviderPacket;
  readonly begin: number;
  readonly end: number;
}

type Counts = { -readonly [Key in keyof AirCounts]: number };

interface Sender {
  waiting: DataProviderPacket[];
  isAtWork: boolean;
}

/** When a transmitter broadcasts, in ms. */
interface Timing {
  readonly intervalMs: number;
  readonly firstMs: number;
}

/** Who hears what, given to `carry`. */
interface Listening {
  readonly clock: Clock;
  readonly receivers: readonly Receiver[];
  heard(receiver: Receiver, packet: DataProviderPacket): void;
}

/**
 * The air between transmitters and base stations: how strongly each hears each (distance, what stands in the way,
 * people), and what becomes of packets that meet. Given to a `VirtualRadio`; without one everybody hears everything.
 *
 * What has not been placed stands 4 m from everything else.
 */
export class VirtualAir {
  readonly #access: NonNullable<AirOptions['access']>;
  readonly #crystalPpm: number;
  readonly #random: SeededRandom;
  readonly #ways: Ways;
  readonly #senders: Map<VirtualTransmitter, Sender> = new Map();
  readonly #timings = new Map<VirtualTransmitter, Timing>();
  readonly #lastSent = new Map<VirtualTransmitter, Heard>();
  readonly #counts = new Map<Receiver, Counts>();
  #onAir: Transmission[] = [];
  #crowdedOut = 0;

  constructor(options: AirOptions = {}) {
    this.#crystalPpm = inRange('crystalPpm', options.crystalPpm ?? 40, 0, 100_000);
    const { seed = 1, access = 'csma', exponent = 2.5, people } = options;
    this.#access = access;
    this.#random = new SeededRandom(seed);
    this.#ways = new Ways({ exponent, people, random: this.#random });
  }

  /** Broadcasts that were still waiting for a free channel when their module had the next one. */
  get crowdedOut(): number {
    return this.#crowdedOut;
  }

  /** Puts a transmitter or a base station somewhere; again, to move it. */
  place(what: Thing, where: Place): void {
    this.#ways.place(what, where);
  }

  /** Puts something in the way. Returns a function that takes it away. */
  obstruct(obstacle: Obstacle): () => void {
    return this.#ways.obstruct(obstacle);
  }

  /** What has become of the packets so far, at this receiver. */
  countsAt(receiver: Receiver): AirCounts {
    return { ...this.#countsOf(receiver) };
  }

  /**
   * How a packet that is no broadcast (a command, its answer) is heard now between these two; undefined where it is
   * not. Answers do not wait for a free channel, and collide with nothing here.
   */
  hearing(transmitter: VirtualTransmitter, receiver: Receiver, at: number): Heard | undefined {
    const sent = this.#lastSent.get(transmitter) ?? { rssi: -10, cv: 105 };
    const decibels = this.#ways.strength(transmitter, receiver, sent, at);
    return this.#random.uniform() < receptionChance(decibels) ? heardAt(decibels, sent) : undefined;
  }

  /** By its own crystal: milliseconds between two broadcasts of this transmitter, and until its first, at random. */
  timingOf(transmitter: VirtualTransmitter): Timing {
    return madeOnce(this.#timings, transmitter, () => {
      const off = (2 * this.#random.uniform() - 1) * this.#crystalPpm * 1e-6;
      const intervalMs = transmitter.intervalMs * (1 + off);
      return { intervalMs, firstMs: intervalMs * this.#random.uniform() };
    });
  }

  /**
   * Broadcasts packets one after the other. Resolves when the last one has been heard or lost; rejects with T24Error
   * at one that cannot be encoded.
   */
  async carry(
    transmitter: VirtualTransmitter,
    packets: readonly DataProviderPacket[],
    listening: Listening,
  ): Promise<void> {
    const sender = madeOnce(this.#senders, transmitter, () => ({ waiting: [], isAtWork: false }));
    this.#crowdedOut += sender.waiting.length;
    sender.waiting = [...packets];
    if (sender.isAtWork) return;
    sender.isAtWork = true;
    try {
      for (let packet = sender.waiting.shift(); packet !== undefined; packet = sender.waiting.shift()) {
        await this.#send(transmitter, packet, listening);
      }
    } finally {
      sender.isAtWork = false;
    }
  }

  async #send(
    transmitter: VirtualTransmitter,
    packet: DataProviderPacket,
    listening: Listening,
  ): Promise<void> {
    const { clock } = listening;
    this.#lastSent.set(transmitter, packet);
    for (let busy = this.#busyUntil(transmitter, clock.now()); busy !== undefined; ) {
      const slots = this.#access === 'csma' ? this.#random.integer(1, BACKOFF_SLOTS) : 0;
      await pause(clock, busy - clock.now() + slots * BACKOFF_MS);
      busy = this.#busyUntil(transmitter, clock.now());
    }
    const begin = clock.now();
    const end = begin + (AIR_OVERHEAD_BYTES + encodePacket(packet).length) * MS_PER_BYTE;
    const transmission = { transmitter, packet, begin, end };
    this.#onAir = this.#onAir.filter((other) => other.end > begin - LONGEST_MS);
    this.#onAir.push(transmission);
    await pause(clock, end - begin);
    for (const receiver of listening.receivers) this.#arrive(transmission, receiver, listening);
  }

  /** Until when somebody is on the air whom this transmitter notices; undefined where it may begin. */
  #busyUntil(transmitter: VirtualTransmitter, at: number): number | undefined {
    if (this.#access === 'collision-free') return undefined;
    let until: number | undefined;
    for (const other of this.#onAir) {
      // That is how packets meet though everybody listens first.
      const isNoticed = other.begin + TURNAROUND_MS <= at && other.end > at;
      if (other.transmitter === transmitter || !isNoticed) continue;
      const strength = sentDecibels(other.packet) - this.#ways.fixedLoss(other.transmitter, transmitter);
      if (strength >= SENSE_DECIBELS) until = Math.max(until ?? 0, other.end);
    }
    return until;
  }

  #arrive(transmission: Transmission, receiver: Receiver, listening: Listening): void {
    const { transmitter, packet, begin, end } = transmission;
    const counts = this.#countsOf(receiver);
    const decibels = this.#ways.strength(transmitter, receiver, packet, end);
    const isDrowned = this.#onAir.some(
      (other) =>
        this.#access !== 'collision-free' &&
        other.transmitter !== transmitter &&
        other.begin < end &&
        other.end > begin &&
        this.#ways.strength(other.transmitter, receiver, other.packet, end) > decibels - CAPTURE_DECIBELS,
    );
    if (isDrowned) counts.collided += 1;
    else if (this.#random.uniform() >= receptionChance(decibels)) counts.faded += 1;
    else {
      counts.heard += 1;
      listening.heard(receiver, { ...packet, ...heardAt(decibels, packet) });
    }
  }

  #countsOf(receiver: Receiver): Counts {
    return madeOnce(this.#counts, receiver, () => ({ heard: 0, collided: 0, faded: 0 }));
  }
}

function pause(clock: Clock, milliseconds: number): Promise<void> {
  return new Promise((resolve) => clock.after(milliseconds, resolve));
}
