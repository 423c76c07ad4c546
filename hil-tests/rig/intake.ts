import type { Clock } from './clock.ts';
import { type LineSpeed, SerialLine } from './serial-line.ts';

/**
 * How a device takes what the host sends: as fast as it comes, at the pace of a baud rate (slow drain), or not at all.
 * `stuck`: the kernel takes not one byte more of the host, as where a device has said stop and never go on.
 */
export type Intake = LineSpeed | { readonly kind: 'stuck' };

/** The world of an intake. */
interface IntakeWorld {
  readonly clock: Clock;
  /** Called with what the device has taken. */
  readonly taken: (bytes: Uint8Array) => void;
  /** Called when the host's bytes are to be stopped in the kernel, and when they may come again. */
  readonly flow: (flow: 'going' | 'stopped') => void;
}

/** What a driver of a serial port takes ahead of its line: a page. */
const AHEAD_BYTES = 4096;
/** Bytes that are handed to the line at a time, so that another pace holds soon. */
const PIECE_BYTES = 64;

/** The bytes of the host that the device has not taken yet, and the pace at which it does. */
export class IntakeQueue {
  readonly #world: IntakeWorld;
  #intake: Intake;
  #line: SerialLine | undefined;
  #waiting: Buffer = Buffer.alloc(0);
  #flow: 'going' | 'stopped' = 'going';
  #isCarrying = false;
  /** Another opening of the port: bytes of an older one are nobody's. */
  #generation = 0;

  constructor(intake: Intake, world: IntakeWorld) {
    this.#world = world;
    this.#intake = intake;
    this.#line = this.#lineOf(intake);
  }

  get intake(): Intake {
    return this.#intake;
  }

  /** Holds for what waits, too. Throws RigError `option` for a baud rate that is none. */
  set(intake: Intake): void {
    this.#line = this.#lineOf(intake);
    this.#intake = intake;
    this.#go();
  }

  /** Bytes have come from the kernel. */
  take(bytes: Buffer): void {
    this.#waiting = this.#waiting.length === 0 ? bytes : Buffer.concat([this.#waiting, bytes]);
    this.#go();
  }

  /** The device is another one, or gone: what the old one had not taken is lost, and the new one's flow is to be set. */
  renew(): void {
    this.#generation += 1;
    this.#waiting = Buffer.alloc(0);
    this.#flow = 'going';
    this.#setFlow();
  }

  #go(): void {
    if (this.#intake.kind === 'as-fast-as-it-goes' && !this.#isCarrying && this.#waiting.length > 0) {
      const bytes = this.#waiting;
      this.#waiting = Buffer.alloc(0);
      this.#world.taken(bytes);
    }
    this.#setFlow();
    if (!this.#isCarrying) void this.#carry();
  }

  async #carry(): Promise<void> {
    this.#isCarrying = true;
    while (this.#line !== undefined && this.#waiting.length > 0) {
      const generation = this.#generation;
      const piece = this.#waiting.subarray(0, PIECE_BYTES);
      this.#waiting = this.#waiting.subarray(piece.length);
      this.#setFlow();
      await this.#line.write(piece);
      if (generation === this.#generation) this.#world.taken(piece);
    }
    this.#isCarrying = false;
  }

  #lineOf(intake: Intake): SerialLine | undefined {
    if (intake.kind === 'stuck') return undefined;
    return new SerialLine({ write: async () => {} }, { speed: intake, clock: this.#world.clock });
  }

  #setFlow(): void {
    const flow = this.#intake.kind === 'stuck' || this.#waiting.length >= AHEAD_BYTES ? 'stopped' : 'going';
    if (flow === this.#flow) return;
    this.#flow = flow;
    this.#world.flow(flow);
  }
}
