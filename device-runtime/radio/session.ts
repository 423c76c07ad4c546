import type { Decoder } from '@loadline/sdk/driver';
import { stallMilliseconds } from '@loadline/sdk/t24';
import type { Clock } from '../clock/index.ts';
import type { Candidate } from './candidates.ts';
import { NoiseMeter, type NoiseVerdict } from './noise.ts';
import type { Opener, Opening } from './opening.ts';
import { type Frame, Receiver } from './receiver.ts';
import { type Expectation, recognise, type Verdict } from './recognition.ts';
import type { Transmitter } from './transmission.ts';

/** Frames of the wrong base in a row that make a device that was recognised a wrong one: one may be noise. */
const foreignFrames = 3;
/** Frames kept until it is known whose they are. */
const maxUndecided = 1024;
/** Looks at the clock in a silence before it is one: it is a silence only where this process ran all through it. */
const silentTicks = 5;
/** Milliseconds after which a timer is late: not by its own coarseness, but because nothing ran. */
const lateMilliseconds = 25;

/** Whose session it is at present. */
export interface SessionOwner {
  /** Something came, with or without frames. */
  heard(session: Session): void;
  /** The line has become noisy, or is so no more. */
  noise(session: Session, verdict: NoiseVerdict): void;
  /** The device is closed; nothing follows. */
  ended(session: Session, reason: string): void;
}

/** What a session's undecided frames come to. */
export type Finding =
  /** It is the device that is expected; these frames are its own. */
  | { readonly kind: 'own'; readonly frames: readonly Frame[] }
  /** It is another; `frame` says so. */
  | { readonly kind: 'foreign'; readonly frame: Frame }
  | { readonly kind: 'undecided' };

/**
 * One device while it is open, and what was heard on it. Until it is recognised its frames are kept, for whichever
 * port it turns out to be: it can change its owner.
 */
export class Session {
  readonly candidate: Candidate;
  readonly receiver: Receiver;
  owner: SessionOwner;
  /** Undefined until it is recognised, and where nothing may be sent. */
  transmitter: Transmitter | undefined;
  /** Why it is being closed, where the device is the wrong one. */
  refused: string | undefined;
  isRecognised = false;
  /** It can be over before anybody has it. */
  hasEnded = false;
  readonly #clock: Clock;
  readonly #noise = new NoiseMeter();
  readonly #undecided: Frame[] = [];
  #opening: Opening | undefined;
  #stallTimer: NodeJS.Timeout | undefined;

  private constructor(candidate: Candidate, decoder: Decoder, clock: Clock, owner: SessionOwner) {
    this.candidate = candidate;
    this.receiver = new Receiver(decoder);
    this.#clock = clock;
    this.owner = owner;
  }

  /** Opens a device; rejects with an Error that says why it cannot be. */
  static async open(options: {
    readonly candidate: Candidate;
    readonly opener: Opener;
    readonly decoder: Decoder;
    readonly clock: Clock;
    readonly owner: SessionOwner;
  }): Promise<Session> {
    const session = new Session(options.candidate, options.decoder, options.clock, options.owner);
    session.#opening = await options.opener(options.candidate, {
      onBytes: (chunk) => session.#receive(chunk),
      onEnd: (reason) => session.#end(reason),
    });
    return session;
  }

  get opening(): Opening {
    return this.#opening as Opening;
  }

  get isNoisy(): boolean {
    return this.#noise.isNoisy;
  }

  close(reason: string): void {
    this.#opening?.close(reason);
  }

  /** What the first frame that says anything says of the device, for a port that expects this. */
  firstVerdict(expected: Expectation): Verdict {
    for (const { content } of this.#undecided) {
      const verdict = recognise(expected, content);
      if (verdict !== 'unsure') return verdict;
    }
    return 'unsure';
  }

  /** Looks at what is undecided. Frames that it finds to be the port's own are taken, in the order of the line. */
  settle(expected: Expectation): Finding {
    if (!this.isRecognised) {
      const first = this.firstVerdict(expected);
      if (first === 'unsure') return { kind: 'undecided' };
      if (first === 'foreign') return this.#foreign(expected);
      this.isRecognised = true;
    }
    const verdicts = this.#undecided.map(({ content }) => recognise(expected, content));
    const own = this.#undecided.splice(0, verdicts.findLastIndex((verdict) => verdict !== 'foreign') + 1);
    this.receiver.take(own);
    if (own.length > 0) return { kind: 'own', frames: own };
    return this.#undecided.length >= foreignFrames ? this.#foreign(expected) : { kind: 'undecided' };
  }

  #foreign(expected: Expectation): Finding {
    const frame = this.#undecided.find(({ content }) => recognise(expected, content) === 'foreign');
    return frame === undefined ? { kind: 'undecided' } : { kind: 'foreign', frame };
  }

  /** Gives up what is undecided: nobody's. */
  abandon(): void {
    this.receiver.refuse(this.#undecided.splice(0));
  }

  #receive(chunk: Uint8Array): void {
    const at = this.#clock.monotonic();
    this.#undecided.push(...this.receiver.receive(chunk, at));
    clearTimeout(this.#stallTimer);
    if (this.receiver.isWaiting) this.#awaitRest();
    const bad = this.receiver.takeNoise();
    const noise = this.#noise.add(at, Math.max(0, chunk.length - bad), bad);
    this.#heard();
    if (noise !== undefined) this.owner.noise(this, noise);
  }

  /**
   * Timers come before what is waiting to be read. After a hold-up that ends just when one is due, it is on time, and
   * the rest of the frame may have come long ago: so no single timer says that a line is silent.
   */
  #awaitRest(ticks = 0): void {
    const wait = stallMilliseconds / silentTicks;
    const due = this.#clock.monotonic() + wait;
    this.#stallTimer = setTimeout(() => {
      const isLate = this.#clock.monotonic() - due > lateMilliseconds;
      if (!isLate && ticks + 1 === silentTicks) this.#stall();
      else this.#awaitRest(isLate ? 0 : ticks + 1);
    }, wait);
  }

  #stall(): void {
    this.#undecided.push(...this.receiver.stall());
    this.#heard();
  }

  /** What was begun on this opening cannot be continued on the next. */
  #end(reason: string): void {
    clearTimeout(this.#stallTimer);
    this.hasEnded = true;
    this.#stall();
    this.transmitter?.end(reason);
    this.owner.ended(this, reason);
  }

  /** Its owner takes what is its own first: after a hold-up, one chunk may bring more than is kept undecided. */
  #heard(): void {
    this.owner.heard(this);
    const excess = this.#undecided.length - maxUndecided;
    if (excess > 0) this.receiver.refuse(this.#undecided.splice(0, excess));
  }
}
