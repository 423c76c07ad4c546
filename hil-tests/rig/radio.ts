import type { DataProviderPacket } from '@loadline/sdk/t24';
import type { Receiver } from './base-station.ts';
import { type Clock, realClock } from './clock.ts';
import { inRange } from './errors.ts';
import type { VirtualTransmitter } from './transmitters/index.ts';

/** Options of a virtual radio. */
export interface RadioOptions {
  /** Default: the computer's own clock. */
  readonly clock?: Clock;
  /** Bytes that may wait in the receiver; packets heard beyond that are lost, and counted. Default: 4096. */
  readonly queueBytes?: number;
}

/**
 * A simulated radio: transmitters that broadcast at their intervals, and the receiver that hears them. A transmitter
 * waits for nobody: what the receiver cannot pass on (the host does not read, the port is unplugged) is lost, as on
 * the air, and counted.
 */
export class VirtualRadio {
  readonly receiver: Receiver;
  readonly transmitters: readonly VirtualTransmitter[];
  readonly #clock: Clock;
  readonly #queueBytes: number;
  #cancels: (() => void)[] = [];
  #running = false;
  readonly #inFlight = new Set<Promise<void>>();
  #packetsSent = 0;
  #packetsLost = 0;

  constructor(receiver: Receiver, transmitters: readonly VirtualTransmitter[], options: RadioOptions = {}) {
    const { clock = realClock, queueBytes = 4096 } = options;
    this.receiver = receiver;
    this.transmitters = transmitters;
    this.#clock = clock;
    this.#queueBytes = inRange('queueBytes', queueBytes, 128, Number.MAX_SAFE_INTEGER);
  }

  /** Packets the host's side took completely. */
  get packetsSent(): number {
    return this.#packetsSent;
  }

  /** Packets that were broadcast and could not be passed on. */
  get packetsLost(): number {
    return this.#packetsLost;
  }

  /** Switches the transmitters on. Their first broadcasts are spread over their intervals. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#cancels = this.transmitters.map((transmitter, index) => {
      const first = (transmitter.intervalMs * (index + 1)) / this.transmitters.length;
      return this.#schedule(transmitter, this.#clock.now() + first);
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

  /** Resolves when nothing is on its way to the host: which a full port that nobody reads puts off until it is closed. */
  async idle(): Promise<void> {
    await Promise.all(this.#inFlight);
  }

  #schedule(transmitter: VirtualTransmitter, firstAt: number): () => void {
    let at = firstAt;
    let cancel: () => void;
    const broadcast = () => {
      for (const packet of transmitter.broadcast()) this.#pass(packet);
      // From the moment it was due, not from now: a late timer does not slow a transmitter down.
      at = Math.max(at + transmitter.intervalMs, this.#clock.now());
      cancel = this.#clock.after(at - this.#clock.now(), broadcast);
    };
    cancel = this.#clock.after(at - this.#clock.now(), broadcast);
    return () => cancel();
  }

  #pass(packet: DataProviderPacket): void {
    if (this.receiver.queuedBytes >= this.#queueBytes) {
      this.#packetsLost += 1;
      return;
    }
    const passed: Promise<void> = this.receiver.hear(packet).then(
      () => {
        this.#packetsSent += 1;
        this.#inFlight.delete(passed);
      },
      () => {
        this.#packetsLost += 1;
        this.#inFlight.delete(passed);
      },
    );
    this.#inFlight.add(passed);
  }
}
