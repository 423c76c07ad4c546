import { limits } from '../contract/index.ts';
import { endedError, linkError } from './errors.ts';
import { decodeFrame, encodeFrame, type Frame } from './frame.ts';
import {
  decodeHello,
  encodeHello,
  type Hello,
  instanceBytes,
  isCapability,
  isSame,
  versions,
} from './hello.ts';
import { Inbox, type Taken } from './inbox.ts';
import { encodeMessage } from './message.ts';
import type { Waiting } from './outbound.ts';
import { Splitter } from './splitter.ts';
import { type Session, Standing } from './standing.ts';

export interface LinkOptions {
  /**
   * Who begins: `calls` says hello until somebody answers; `answers` keeps silent until it has heard a hello or a frame,
   * so that a console nobody speaks the protocol on stays a console. At least one end calls.
   */
  readonly role: 'calls' | 'answers';
  /** What this end can do, told in the hello: lower case letters, digits, `.`, `/`, `-`; limits.linkCapabilities of them. */
  readonly capabilities: readonly string[];
  /** So many random bytes. */
  readonly random: (count: number) => Uint8Array;
  /** Monotonic milliseconds, as all times are that are given to the link. */
  readonly now: number;
}

/** What is told at once. */
export type LinkEvent =
  /** The other end's link has the message, whole and in its place. */
  | { readonly kind: 'acknowledged'; readonly id: number }
  /** The session of the message is over: it may have come, or not. */
  | { readonly kind: 'dropped'; readonly id: number }
  /** Nothing has come for `lostMilliseconds`. */
  | { readonly kind: 'silent' }
  /** After a silence: the same process at the other end, and everything goes on where it was. */
  | { readonly kind: 'resumed' }
  /** The other end speaks no version that this one speaks. */
  | { readonly kind: 'incompatible'; readonly versions: readonly number[] };

export type LinkState =
  /** There is no session. */
  | 'searching'
  | 'up'
  /** There is a session, and nothing comes. */
  | 'silent'
  | 'closed';

/** What has come over the line so far. */
export interface LinkFigures {
  readonly bytes: number;
  /** Frames that were whole. */
  readonly frames: number;
  /** Bytes between delimiters that were no frame, spoilt frames among them. */
  readonly noiseBytes: number;
  /** Own frames that came back: a terminal in its cooked mode echoes. */
  readonly echoes: number;
  /** Whole frames of no session that stands. */
  readonly strays: number;
  /** Frames of data that had come already, or may not come yet. */
  readonly held: number;
}

/** Milliseconds from one hello to the next, and when one is due at once. */
const helloEvery = 400;
const helloSpacing = 100;
/** Milliseconds without anything from the other end after which it is thought to be gone. */
export const lostMilliseconds = 5000;

/**
 * One end of a serial link, pure: bytes and values in, bytes and events out, time and randomness given. README.md draws
 * the frames and says what happens when. `serial-link.ts` puts it on a stream.
 *
 * All times are monotonic milliseconds, and never fall from one call to the next.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #instance: Uint8Array;
  readonly #splitter = new Splitter();
  readonly #inbox = new Inbox();
  #state: LinkState = 'searching';
  #standing: Standing | undefined;
  /** What was sent while there was no session. */
  #early: Waiting[] = [];
  #ids = 0;
  /** Sent back in a welcome it proves that its sender is there now; used once. */
  #nonce: Uint8Array;
  /** Of the hello that is still to be answered: the latest. */
  #welcome: Uint8Array | undefined;
  #helloAt: number;
  #lastHello = Number.NEGATIVE_INFINITY;
  /** Hellos are said until then, whatever the role and the state: somebody was heard who may be another one. */
  #callUntil = Number.NEGATIVE_INFINITY;
  #heardAt: number;
  #byeTag: number | undefined;
  #bytes = 0;
  #frames = 0;
  #echoes = 0;
  #strays = 0;

  /** @throws {RangeError} for capabilities that a hello cannot say. */
  constructor(options: LinkOptions) {
    const { capabilities } = options;
    if (capabilities.length > limits.linkCapabilities || !capabilities.every(isCapability)) {
      throw new RangeError(
        `capabilities ${JSON.stringify(capabilities)}: their limits stand in sdk/contract`,
      );
    }
    this.#options = options;
    this.#instance = options.random(instanceBytes);
    this.#nonce = options.random(instanceBytes);
    this.#helloAt = options.now;
    this.#heardAt = options.now;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The session that stands, be it silent. */
  get session(): Session | undefined {
    return this.#standing?.session;
  }

  /** Bytes of messages that are not acknowledged. */
  get waitingBytes(): number {
    return this.#standing?.outbound.bytes ?? this.#early.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** Bytes held of what came: messages that were not taken, and parts of such that are not whole. */
  get heldBytes(): number {
    return this.#inbox.bytes + (this.#standing?.heldBytes ?? 0);
  }

  get figures(): LinkFigures {
    return {
      ...{ bytes: this.#bytes, frames: this.#frames, noiseBytes: this.#splitter.noiseBytes },
      ...{ echoes: this.#echoes, strays: this.#strays, held: this.heldBytes },
    };
  }

  /** The latest bytes that were no frames, 256 at most: what else speaks on the line. */
  get noise(): Uint8Array {
    return this.#splitter.noise;
  }

  /**
   * Takes a message to be sent, in the session that stands or, where none does, in the next one. Its number, which the
   * events name.
   * @throws {LinkError} `link-message-refused`, `link-too-much-waiting`, `link-closed`.
   */
  send(message: unknown): number {
    if (this.#state === 'closed') {
      throw endedError(this.#state);
    }
    const bytes = encodeMessage(message);
    const count = this.#standing?.outbound.count ?? this.#early.length;
    if (
      count >= limits.linkWaitingMessages ||
      (count > 0 && this.waitingBytes + bytes.length > limits.linkWaitingBytes)
    ) {
      throw linkError(
        'link-too-much-waiting',
        `${count} messages of ${this.waitingBytes} bytes wait to be acknowledged by the other end`,
        'wait until it has acknowledged what was sent before',
      );
    }
    const id = ++this.#ids;
    if (this.#standing === undefined) this.#early.push({ id, bytes });
    else this.#standing.outbound.push({ id, bytes });
    return id;
  }

  /** Takes bytes of the line, cut anywhere. */
  receive(bytes: Uint8Array, now: number): LinkEvent[] {
    const events: LinkEvent[] = [];
    if (this.#state === 'closed') return events;
    this.#bytes += bytes.length;
    for (const piece of this.#splitter.push(bytes)) {
      const frame = decodeFrame(piece);
      switch (frame.kind) {
        case 'noise':
          this.#splitter.isNoise(piece);
          break;
        case 'foreign':
          events.push({ kind: 'incompatible', versions: [frame.version] });
          break;
        default:
          this.#frames += 1;
          this.#take(frame, now, events);
      }
    }
    return events;
  }

  /** Looks at the time. */
  tick(now: number): LinkEvent[] {
    if (this.#state !== 'up' || now < this.#heardAt + lostMilliseconds) return [];
    return this.interrupted(now);
  }

  /** The line was cut, and may lead elsewhere now: whoever is there is asked who he is. */
  interrupted(now: number): LinkEvent[] {
    if (this.#state === 'searching') this.#helloAt = now;
    if (this.#state !== 'up') return [];
    this.#state = 'silent';
    this.#helloAt = now;
    return [{ kind: 'silent' }];
  }

  /** The next frame to be sent, its delimiters included; undefined where there is none now. */
  outgoing(now: number): Uint8Array | undefined {
    const frame = this.#nextFrame(now);
    return frame && encodeFrame(frame);
  }

  /** The next thing that came, to be asked for until there is none: what is not taken keeps the sender waiting. */
  take(): Taken | undefined {
    const taken = this.#inbox.take();
    this.#openWindow();
    return taken;
  }

  /** Says goodbye, once, and takes nothing in any more. */
  close(): LinkEvent[] {
    if (this.#state === 'closed') return [];
    this.#state = 'closed';
    this.#byeTag = this.#standing?.outTag;
    return this.#drop();
  }

  /** When to look at the time and ask for frames again, if nothing happens before; undefined for never. */
  wakeAt(now: number): number | undefined {
    if (this.#state === 'closed') return undefined;
    const times: number[] = [];
    if (this.#isCalling(now)) times.push(this.#helloAt);
    if (this.#state === 'up' && this.#standing !== undefined) {
      times.push(this.#heardAt + lostMilliseconds, this.#standing.askAt(this.#heardAt));
    }
    return times.length === 0 ? undefined : Math.min(...times);
  }

  #take(frame: Frame, now: number, events: LinkEvent[]): void {
    switch (frame.kind) {
      case 'hello':
      case 'welcome': {
        const said = decodeHello(frame.body);
        if (said === undefined) this.#strays += 1;
        else if (isSame(said.instance, this.#instance)) this.#echoes += 1;
        else if (!said.versions.some((version) => versions.includes(version))) {
          events.push({ kind: 'incompatible', versions: said.versions });
        } else if (frame.kind === 'hello') this.#answer(said, now);
        else this.#believe(said, now, events);
        return;
      }
      case 'data':
      case 'ack':
      case 'ping':
      case 'bye': {
        const standing = this.#standing;
        if (standing !== undefined && frame.tag === standing.inTag) {
          this.#heard(now, events);
          this.#takeOfSession(standing, frame, now, events);
        } else if (frame.tag === standing?.outTag) this.#echoes += 1;
        else {
          this.#strays += 1;
          // Somebody speaks to whom this process, before it was restarted, or another one was known.
          if (this.#state !== 'up') this.#callSoon(now);
        }
      }
    }
  }

  #takeOfSession(
    standing: Standing,
    frame: Exclude<Frame, { kind: 'hello' | 'welcome' }>,
    now: number,
    events: LinkEvent[],
  ): void {
    switch (frame.kind) {
      case 'data':
        for (const completed of standing.accept(frame)) this.#inbox.put(completed);
        this.#openWindow();
        return;
      case 'ack': {
        const ids = standing.acknowledge(frame, now);
        if (ids === undefined) this.#strays += 1;
        else for (const id of ids) events.push({ kind: 'acknowledged', id });
        return;
      }
      case 'ping':
        standing.hear(frame);
        return;
      case 'bye':
        events.push(...this.#drop());
        this.#state = 'searching';
        this.#helloAt = now + helloEvery;
        this.#inbox.note({ kind: 'ended' });
    }
  }

  /** Somebody asks who is there. */
  #answer(hello: Hello, now: number): void {
    this.#welcome = hello.nonce;
    // Another process than the one of the session that stands: perhaps. It is to prove that it is there now.
    if (!isSame(hello.instance, this.#standing?.instance)) this.#callSoon(now);
  }

  /** Somebody answers a hello of this end, and so is there now. */
  #believe(welcome: Hello, now: number, events: LinkEvent[]): void {
    if (!isSame(welcome.nonce, this.#nonce)) {
      this.#strays += 1;
      return;
    }
    this.#nonce = this.#options.random(instanceBytes);
    this.#callUntil = Number.NEGATIVE_INFINITY;
    if (!isSame(welcome.instance, this.#standing?.instance)) this.#begin(welcome, now, events);
    this.#heard(now, events);
  }

  #begin(hello: Hello, now: number, events: LinkEvent[]): void {
    events.push(...(this.#standing === undefined ? [] : this.#drop()));
    this.#state = 'up';
    this.#heardAt = now;
    this.#standing = new Standing(this.#instance, hello, this.#early);
    this.#early = [];
    this.#openWindow();
    this.#inbox.note({ kind: 'session', session: this.#standing.session });
  }

  /** Ends the session that stands, and drops what was to be sent in it. */
  #drop(): LinkEvent[] {
    const ids = this.#standing?.outbound.unacknowledged ?? this.#early.map(({ id }) => id);
    this.#standing = undefined;
    this.#early = [];
    return ids.map((id) => ({ kind: 'dropped', id }));
  }

  #heard(now: number, events: LinkEvent[]): void {
    this.#heardAt = now;
    if (this.#state !== 'silent') return;
    this.#state = 'up';
    this.#standing?.ask();
    events.push({ kind: 'resumed' });
  }

  /** Lets more come, where what came is taken. */
  #openWindow(): void {
    if (!this.#inbox.isFull) this.#standing?.openWindow();
  }

  #callSoon(now: number): void {
    this.#callUntil = now + lostMilliseconds;
    this.#helloAt = Math.max(now, this.#lastHello + helloSpacing);
  }

  #isCalling(now: number): boolean {
    if (now < this.#callUntil) return true;
    return this.#options.role === 'calls' && (this.#state === 'searching' || this.#state === 'silent');
  }

  #nextFrame(now: number): Frame | undefined {
    if (this.#state === 'closed') {
      const tag = this.#byeTag;
      this.#byeTag = undefined;
      return tag === undefined ? undefined : { kind: 'bye', tag };
    }
    const { capabilities } = this.#options;
    const about = { versions, instance: this.#instance, capabilities };
    if (this.#welcome !== undefined) {
      const nonce = this.#welcome;
      this.#welcome = undefined;
      return { kind: 'welcome', body: encodeHello({ ...about, nonce }) };
    }
    if (this.#isCalling(now) && now >= this.#helloAt) {
      this.#lastHello = now;
      this.#helloAt = now + helloEvery;
      return { kind: 'hello', body: encodeHello({ ...about, nonce: this.#nonce }) };
    }
    return this.#state === 'up' ? this.#standing?.next(now, this.#heardAt) : undefined;
  }
}
