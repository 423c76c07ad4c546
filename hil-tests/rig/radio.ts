import type { DataProviderPacket, Heard } from '@loadline/sdk/t24';
import type { VirtualAir } from './air.ts';
import type { Receiver } from './base-station.ts';
import { type Clock, realClock } from './clock.ts';
import { inRange } from './errors.ts';
import type { VirtualTransmitter } from './transmitters/index.ts';

/** Options of a virtual radio. */
export interface RadioOptions {
  /** Default: the computer's own clock. */
  readonly clock?: Clock;
  /** What is between transmitters and receivers. Default: nothing; every receiver hears all of it, as it was sent. */
  readonly air?: VirtualAir;
  /** Bytes that may wait in a receiver; packets heard beyond that are lost, and counted. Default: 4096. */
  readonly queueBytes?: number;
}

/** As strong and clear as a module some metres away: how an answer is heard where there is no air to ask. */
const nearby: Heard = { rssi: 0xfb, cv: 0xe8 };

/**
 * A simulated radio: transmitters that broadcast at their intervals, and the receivers that hear them: one, or
 * several, each of which passes on what it hears by its own line. A transmitter waits for nobody: what a receiver
 * cannot pass on (the host does not read, the port is unplugged) is lost, as on the air, and counted.
 */
export class VirtualRadio {
  readonly receivers: readonly Receiver[];
  readonly transmitters: readonly VirtualTransmitter[];
  readonly clock: Clock;
  readonly #air: VirtualAir | undefined;
  readonly #queueBytes: number;
  #cancels: (() => void)[] = [];
  #running = false;
  readonly #inFlight = new Set<Promise<void>>();
  #packetsSent = 0;
  #packetsLost = 0;

  /** @param receivers one receiver, or all that are in range */
  constructor(
    receivers: Receiver | readonly Receiver[],
    transmitters: readonly VirtualTransmitter[],
    options: RadioOptions = {},
  ) {
    const { clock = realClock, queueBytes = 4096, air } = options;
    this.receivers = 'hear' in receivers ? [receivers] : receivers;
    this.#air = air;
    this.transmitters = transmitters;
    this.clock = clock;
    this.#queueBytes = inRange('queueBytes', queueBytes, 128, Number.MAX_SAFE_INTEGER);
  }

  /** Packets that hosts took completely: the same one once for each receiver that heard it. */
  get packetsSent(): number {
    return this.#packetsSent;
  }

  /** Packets that a receiver heard and could not pass on. What it did not hear, the air counts. */
  get packetsLost(): number {
    return this.#packetsLost;
  }

  /** Switches the transmitters on. Their first broadcasts are spread over their intervals; in an air, at random. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#cancels = this.transmitters.map((transmitter, index) => {
      const firstMs = (transmitter.intervalMs * (index + 1)) / this.transmitters.length;
      return this.#schedule(
        transmitter,
        this.#air?.timingOf(transmitter) ?? { intervalMs: transmitter.intervalMs, firstMs },
      );
    });
  }

  /** Switches the transmitters off. What is already on its way to the host still goes. */
  stop(): void {
    this.#running = false;
    for (const cancel of this.#cancels) cancel();
  }

  /** So that `using` switches it off. */
  [Symbol.dispose](): void {
    this.stop();
  }

  /**
   * Resolves when nothing is on its way to a host: which a full port that nobody reads puts off until it is closed, and
   * a clock that stands still until it is advanced.
   */
  async idle(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight);
  }

  /** How a packet of this transmitter that is no broadcast is heard by a receiver now; undefined where it is not. */
  hearing(transmitter: VirtualTransmitter, receiver: Receiver): Heard | undefined {
    return this.#air === undefined ? nearby : this.#air.hearing(transmitter, receiver, this.clock.now());
  }

  #schedule(
    transmitter: VirtualTransmitter,
    { intervalMs, firstMs }: { readonly intervalMs: number; readonly firstMs: number },
  ): () => void {
    let at = this.clock.now() + firstMs;
    let cancel: () => void;
    const broadcast = () => {
      this.#broadcast(transmitter, transmitter.broadcast());
      // From the moment it was due, not from now: a late timer does not slow a transmitter down.
      at = Math.max(at + intervalMs, this.clock.now());
      cancel = this.clock.after(at - this.clock.now(), broadcast);
    };
    cancel = this.clock.after(at - this.clock.now(), broadcast);
    return () => cancel();
  }

  #broadcast(transmitter: VirtualTransmitter, packets: readonly DataProviderPacket[]): void {
    if (this.#air === undefined) {
      for (const packet of packets) for (const receiver of this.receivers) this.#pass(receiver, packet);
      return;
    }
    const { clock, receivers } = this;
    const heard = (receiver: Receiver, packet: DataProviderPacket) => this.#pass(receiver, packet);
    // What cannot be encoded is lost, as it is at a base station.
    const lost = () => {
      this.#packetsLost += 1;
    };
    this.#track(this.#air.carry(transmitter, packets, { clock, receivers, heard }).catch(lost));
  }

  #pass(receiver: Receiver, packet: DataProviderPacket): void {
    if (receiver.queuedBytes >= this.#queueBytes) {
      this.#packetsLost += 1;
      return;
    }
    this.#track(
      receiver.hear(packet).then(
        () => {
          this.#packetsSent += 1;
        },
        () => {
          this.#packetsLost += 1;
        },
      ),
    );
  }

  #track(work: Promise<void>): void {
    const tracked = work.then(() => {
      this.#inFlight.delete(tracked);
    });
    this.#inFlight.add(tracked);
  }
}
