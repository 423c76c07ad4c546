import { type AckFrame, type DataFrame, type Frame, sessionTag } from './frame.ts';
import type { Hello } from './hello.ts';
import { type Completed, Inbound } from './inbound.ts';
import { Outbound, type Waiting } from './outbound.ts';
import { RoundTrip } from './round-trip.ts';

/** One run of two processes over a line: it outlives every cut of the line, and neither of them. */
export interface Session {
  /** The other end's instance, in hex: another one is another process, or another link of one. */
  readonly peer: string;
  /** What it can do. */
  readonly capabilities: readonly string[];
}

/** Milliseconds without anything from the other end after which it is asked for something. */
const keepalive = 1000;

/** The session that stands, at one end of it: what goes and comes, and when the other end is asked what came. */
export class Standing {
  readonly session: Session;
  readonly instance: Uint8Array;
  readonly inTag: number;
  readonly outTag: number;
  readonly outbound: Outbound;
  readonly #inbound = new Inbound();
  readonly #roundTrip = new RoundTrip();
  /** When something was last sent that is to be acknowledged. */
  #askedAt = Number.NEGATIVE_INFINITY;
  /** The first acknowledgement lets the other end send. */
  #isAckDue = true;
  #isPingDue = false;

  /** `own`: this end's instance. `early`: what was to be sent before there was a session. */
  constructor(own: Uint8Array, { instance, capabilities }: Hello, early: readonly Waiting[]) {
    this.session = { peer: Buffer.from(instance).toString('hex'), capabilities };
    this.instance = instance;
    this.inTag = sessionTag(instance, own);
    this.outTag = sessionTag(own, instance);
    this.outbound = new Outbound(early);
  }

  /** Bytes held of what came and is not whole. */
  get heldBytes(): number {
    return this.#inbound.heldBytes;
  }

  /** Lets the other end go on. */
  openWindow(): void {
    if (this.#inbound.open()) this.#isAckDue = true;
  }

  /** Asks at once what has come: the acknowledgement tells what was lost. */
  ask(): void {
    this.#isPingDue = true;
  }

  /** Notes that a transmission has come, which is to be acknowledged. */
  hear({ transmission }: { readonly transmission: number }): void {
    this.#inbound.hear(transmission);
    this.#isAckDue = true;
  }

  /** Takes a frame of a message; what is complete with it. */
  accept(frame: DataFrame): Iterable<Completed> {
    this.hear(frame);
    return this.#inbound.accept(frame);
  }

  /** Takes an acknowledgement: the messages that have come whole; undefined where it is of what was never sent. */
  acknowledge(frame: AckFrame, now: number): readonly number[] | undefined {
    const acknowledged = this.outbound.acknowledge(frame, now);
    if (acknowledged === undefined) return undefined;
    if (acknowledged.took === undefined) this.#roundTrip.heard();
    else this.#roundTrip.answered(acknowledged.took);
    return acknowledged.ids;
  }

  /** The next frame to be sent; `heardAt`: when something last came. */
  next(now: number, heardAt: number): Frame | undefined {
    const { outTag: tag, outbound } = this;
    if (this.#isAckDue) {
      this.#isAckDue = false;
      return this.#inbound.ack(tag);
    }
    if (this.#isPingDue || now >= this.askAt(heardAt)) {
      if (!this.#isPingDue && outbound.isUnanswered) this.#roundTrip.inVain();
      this.#isPingDue = false;
      this.#askedAt = now;
      return { kind: 'ping', tag, transmission: outbound.ping(now) };
    }
    const data = outbound.next(tag, now);
    if (data !== undefined) this.#askedAt = now;
    return data;
  }

  /** When to ask for an acknowledgement. */
  askAt(heardAt: number): number {
    if (this.outbound.isUnanswered) return this.#askedAt + this.#roundTrip.timeout;
    // What comes does not say that more may go.
    const since = this.outbound.isHeldBack ? this.#askedAt : Math.max(heardAt, this.#askedAt);
    return since + keepalive;
  }
}
