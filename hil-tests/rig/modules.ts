import { decodePacket, everyModule, Framer, type Packet } from '@loadline/sdk/t24';
import type { VirtualBaseStation } from './base-station.ts';

/** What comes back of a command: an answer of the module, the base station's word that there was none, or nothing. */
export type ModuleAnswer = 'ack' | 'nak' | 'dataInvalid' | 'timeout' | 'silence';

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
  /** What each command comes to. Default: every module acknowledges. */
  readonly answer?: (to: number, packet: Packet) => ModuleAnswer;
}

/** As strong and clear as a module some metres away. */
const heard = { rssi: 0xfb, cv: 0xe8 } as const;

/**
 * Simulated modules in range of a base station: they take commands that the host sends to it, and answer as told. How
 * real modules answer nobody known has seen; this is the manual's word for it (certainty B).
 *
 * A command to every module is received and noted, and answered by none of them; so is one for another base station.
 */
export class VirtualModules {
  readonly label: string;
  readonly #station: VirtualBaseStation;
  readonly #answer: NonNullable<ModulesOptions['answer']>;
  readonly #framer = new Framer();
  readonly #received: ReceivedCommand[] = [];
  readonly #unhear: () => void;
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
    this.label = `simulated modules of ${station.label}`;
    this.#station = station;
    this.#answer = options.answer ?? (() => 'ack');
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

  /** Switches the modules off. */
  stop(): void {
    this.#unhear();
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
    if (packet.to === everyModule) return;
    const answer = this.#answer(packet.to, packet);
    if (answer === 'silence') return;
    // A host that is gone gets no answer; that is no news here.
    this.#station.transmit(answerOf(answer, packet.to)).catch(() => undefined);
  }
}

function answerOf(kind: Exclude<ModuleAnswer, 'silence'>, from: number): Packet {
  return { kind, flags: 0, from, ...heard };
}
