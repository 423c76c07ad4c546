import {
  decodePacket,
  everyModule,
  Framer,
  type Heard,
  type Packet,
  packetFlags,
  type TypedData,
} from '@loadline/sdk/t24';
import type { VirtualBaseStation } from './base-station.ts';
import { type Clock, realClock } from './clock.ts';
import { inRange } from './errors.ts';
import type { VirtualRadio } from './radio.ts';
import { type ModuleCommand, type ModuleReply, VirtualModule } from './transmitters/index.ts';

/** What comes back of a command: an answer of the module, the base station's word that there was none, or nothing. */
export type AnswerKind = 'ack' | 'nak' | 'dataInvalid' | 'timeout' | 'silence';

/** An answer; or one that is late, of somebody else, or with data. */
export type ModuleAnswer =
  | AnswerKind
  | {
      readonly kind: AnswerKind;
      /** Milliseconds until it comes. Default: 0. */
      readonly afterMs?: number;
      /** The id it says it is from. Default: the module's. */
      readonly from?: number;
      /** What an ack brings back. Default: nothing. */
      readonly data?: TypedData;
    };

/** A command as the base station received it. */
export interface ReceivedCommand {
  /** The base address in its frame. */
  readonly base: number;
  readonly packet: Packet;
  /** The packet's bytes, as hex digits. */
  readonly hex: string;
}

/** Options of virtual modules. */
export interface ModulesOptions {
  /**
   * What a command comes to; undefined leaves it to the modules of `radio`. Default: with a radio, what its modules
   * answer; without one, every module acknowledges.
   */
  readonly answer?: (to: number, packet: Packet) => ModuleAnswer | undefined;
  /** The radio whose modules (`VirtualModule`) obey commands, as far as they are heard. Default: there are none. */
  readonly radio?: VirtualRadio;
  /** Milliseconds after which the base station says that a module of the radio did not answer. Default: 100. */
  readonly timeoutMs?: number;
  /** Default: the radio's clock, or the computer's own. */
  readonly clock?: Clock;
}

/** As strong and clear as a module some metres away. */
const nearby = { rssi: 0xfb, cv: 0xe8 } as const;

/**
 * Simulated modules in range of a base station: they take commands that the host sends to it, and answer as told or as
 * they are. How real modules answer nobody known has seen; this is the manual's word for it (certainty B).
 *
 * A command to every module is received and noted; the modules of a radio obey it, and none of them answers. One for
 * another base station is noted, and no more.
 */
export class VirtualModules {
  readonly label: string;
  readonly #station: VirtualBaseStation;
  readonly #answer: NonNullable<ModulesOptions['answer']>;
  readonly #radio: VirtualRadio | undefined;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #framer = new Framer();
  readonly #received: ReceivedCommand[] = [];
  readonly #unhear: () => void;
  readonly #cancels = new Set<() => void>();
  #noiseBytes = 0;

  /**
   * @param station sends the answers, to the host that the commands come from
   * @param host where the commands come from: the station's port
   */
  constructor(
    station: VirtualBaseStation,
    host: { onData(listener: (bytes: Uint8Array) => void): () => void },
    options: ModulesOptions = {},
  ) {
    const { radio } = options;
    this.label = `simulated modules of ${station.label}`;
    this.#station = station;
    this.#answer = options.answer ?? (() => undefined);
    this.#radio = radio;
    this.#clock = options.clock ?? radio?.clock ?? realClock;
    this.#timeoutMs = inRange('timeoutMs', options.timeoutMs ?? 100, 0, 86_400_000);
    this.#unhear = host.onData((bytes) => this.#take(bytes));
  }

  /** Every command the host has sent, to whomever, in order. */
  get received(): readonly ReceivedCommand[] {
    return this.#received;
  }

  /** Bytes of the host that were no frames. */
  get noiseBytes(): number {
    return this.#noiseBytes;
  }

  /** Switches the modules off: answers that are still to come do not. */
  stop(): void {
    this.#unhear();
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
  }

  /** So that `using` switches them off. */
  [Symbol.dispose](): void {
    this.stop();
  }

  #take(bytes: Uint8Array): void {
    for (const framed of this.#framer.push(bytes)) {
      if (framed.kind === 'discarded') {
        this.#noiseBytes += framed.bytes.length;
        continue;
      }
      const { base, packet } = framed;
      const command = { base, packet: decodePacket(packet), hex: Buffer.from(packet).toString('hex') };
      this.#received.push(command);
      this.#react(command);
    }
  }

  #react({ base, packet }: ReceivedCommand): void {
    if (base !== this.#station.address) return;
    if (packet.kind !== 'write' && packet.kind !== 'read') return;
    if (packet.to === everyModule) {
      for (const module of this.#modules()) this.#reach(module, packet, () => undefined);
      return;
    }
    const told = this.#answer(packet.to, packet) ?? (this.#radio === undefined ? 'ack' : undefined);
    if (told !== undefined) {
      const { kind, afterMs = 0, from = packet.to, data } = typeof told === 'string' ? { kind: told } : told;
      if (kind !== 'silence') this.#say(afterMs, answerOf(kind, { from, flags: 0, heard: nearby, data }));
      return;
    }
    const module = this.#modules().find(({ id }) => id === packet.to);
    if (module === undefined) this.#sayTimeout(packet.to);
    else this.#reach(module, packet, (reply, heard) => this.#pass(module, reply, heard));
  }

  #modules(): VirtualModule[] {
    return (this.#radio?.transmitters ?? []).filter((each) => each instanceof VirtualModule);
  }

  /** Brings a command to a module of the radio: at once, or when it looks whether it is to wake. */
  #reach(
    module: VirtualModule,
    packet: ModuleCommand,
    then: (reply: ModuleReply, heard: Heard | undefined) => void,
  ): void {
    this.#later(module.hearsInMs(packet, this.#clock.now()), () => {
      const heard = this.#radio?.hearing(module, this.#station);
      const isReached = heard !== undefined;
      then(isReached ? module.receive(packet, this.#clock.now()) : { kind: 'unheard' }, heard);
    });
  }

  #pass(module: VirtualModule, reply: ModuleReply, heard: Heard = nearby): void {
    if (reply.kind === 'unheard') {
      this.#sayTimeout(module.id);
      return;
    }
    const flags = module.battery.state === 'low' ? packetFlags.batteryLow : 0;
    const data = reply.kind === 'ack' ? reply.data : undefined;
    this.#say(0, answerOf(reply.kind, { from: module.id, flags, heard, data }));
  }

  /** Nobody was heard, so there is nothing to say of how. */
  #sayTimeout(from: number): void {
    this.#say(this.#timeoutMs, answerOf('timeout', { from, flags: 0, heard: { rssi: 0, cv: 0 } }));
  }

  #say(afterMs: number, packet: Packet): void {
    // A host that is gone gets no answer; that is no news here.
    const say = () => void this.#station.transmit(packet).catch(() => undefined);
    if (afterMs === 0) say();
    else this.#later(afterMs, say);
  }

  #later(milliseconds: number, run: () => void): void {
    if (milliseconds === 0) {
      run();
      return;
    }
    const cancel = this.#clock.after(milliseconds, () => {
      this.#cancels.delete(cancel);
      run();
    });
    this.#cancels.add(cancel);
  }
}

function answerOf(
  kind: Exclude<AnswerKind, 'silence'>,
  of: {
    readonly from: number;
    readonly flags: number;
    readonly heard: Heard;
    readonly data?: TypedData | undefined;
  },
): Packet {
  const { from, flags, heard, data } = of;
  return kind === 'ack' && data !== undefined
    ? { kind, flags, from, data, ...heard }
    : { kind, flags, from, ...heard };
}
