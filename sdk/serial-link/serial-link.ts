import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { endedError, type LinkError, linkError } from './errors.ts';
import { Link, type LinkEvent, type LinkFigures, type LinkOptions, type LinkState } from './link.ts';
import type { Session } from './standing.ts';

export interface SerialLinkOptions extends Pick<LinkOptions, 'role' | 'capabilities'> {
  /** A message came. The next one is given when its promise is settled; meanwhile the other end is kept waiting. */
  readonly onMessage: (message: unknown) => void | Promise<void>;
  /** A session began, with a process that nothing was said to before. Behind every message of an earlier one. */
  readonly onSession?: (session: Session) => void;
  /** `silent`, and `resumed` with the same process; `ended`: the other end closed its link; `detached`: the stream is gone. */
  readonly onLife?: (life: LinkLife) => void;
}

/** What happens to a session, or to the line under it. */
export type LinkLife =
  | { readonly kind: 'silent' | 'resumed' | 'ended' }
  /** The stream ended or failed: open the port again and `attach` it. */
  | { readonly kind: 'detached'; readonly reason: string }
  /** The other end speaks other versions of the link. */
  | { readonly kind: 'incompatible'; readonly versions: readonly number[] }
  /** A message came that is none. */
  | { readonly kind: 'unreadable'; readonly reason: string };

/** Bytes that are given to the stream at a time: what a cut costs, and what a new message has to wait for. */
const writeBytes = 2048;
/** Milliseconds the goodbye may take to leave. */
const byeMilliseconds = 500;

interface Sending {
  readonly resolve: () => void;
  readonly reject: (error: LinkError) => void;
}

/**
 * A serial link on a stream: a serial port in raw mode, a pty, a TCP connection. The stream stays its owner's, who closes
 * it after `close()`.
 */
export class SerialLink {
  /** Resolves when the link was closed at this end, with the reason. */
  readonly closed: Promise<string>;
  readonly #options: SerialLinkOptions;
  readonly #link: Link;
  readonly #sending = new Map<number, Sending>();
  /** Called with everything that may have changed who is there. */
  readonly #watchers = new Set<() => void>();
  #resolveClosed: (reason: string) => void = () => {};
  #stream: Duplex | undefined;
  #detach: () => void = () => {};
  #isWriting = false;
  #isDelivering = false;
  #timer: NodeJS.Timeout | undefined;

  private constructor(options: SerialLinkOptions) {
    this.#options = options;
    const { role, capabilities } = options;
    this.#link = new Link({ role, capabilities, random: randomBytes, now: performance.now() });
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /** Begins on a stream that stands. */
  static over(stream: Duplex, options: SerialLinkOptions): SerialLink {
    const link = new SerialLink(options);
    link.attach(stream);
    return link;
  }

  get state(): LinkState {
    return this.#link.state;
  }

  /** The session that stands, be it silent. */
  get session(): Session | undefined {
    return this.#link.session;
  }

  get figures(): LinkFigures {
    return this.#link.figures;
  }

  /** The latest bytes that were no frames, 256 at most: a getty's banner, kernel messages. */
  get noise(): Uint8Array {
    return this.#link.noise;
  }

  /** Goes on over another stream: the port was opened again. What session stood is taken up where the same process answers. */
  attach(stream: Duplex): void {
    if (this.#link.state === 'closed') return;
    this.#detach();
    this.#stream = stream;
    this.#isWriting = false;
    const onData = (bytes: Uint8Array) => this.#handle(this.#link.receive(bytes, performance.now()));
    const onGone = () => this.#detached(stream, 'the stream ended');
    const onError = (error: Error) => this.#detached(stream, error.message);
    stream.on('data', onData);
    for (const event of ['end', 'close']) stream.on(event, onGone);
    stream.on('error', onError);
    this.#detach = () => {
      this.#detach = () => {};
      stream.off('data', onData);
      for (const event of ['end', 'close']) stream.off(event, onGone);
      // Errors of a stream that is of no interest any more must still find a listener.
      stream.off('error', onError).on('error', () => {});
    };
    this.#handle(this.#link.interrupted(performance.now()));
  }

  /**
   * Resolves with the session when somebody is there; a session that is silent counts when it is heard again.
   * @throws {LinkError} `link-no-answer` after `limitMs`, `link-closed`.
   */
  async ready(limitMs: number): Promise<Session> {
    let timer: NodeJS.Timeout | undefined;
    let watch = () => {};
    try {
      return await new Promise<Session>((resolve, reject) => {
        watch = () => {
          const { state, session } = this.#link;
          if (state === 'up' && session !== undefined) resolve(session);
          if (state === 'closed') reject(endedError(state));
        };
        timer = setTimeout(() => reject(this.#noAnswer(limitMs)), limitMs);
        this.#watchers.add(watch);
        watch();
      });
    } finally {
      clearTimeout(timer);
      this.#watchers.delete(watch);
    }
  }

  /**
   * Sends a message, in the session that stands or, where none does, in the next one. Resolves when the other end has it
   * whole and will give it to its program, each once and in order.
   * @throws {LinkError} `link-message-refused`, `link-too-much-waiting`, `link-closed`; `link-session-ended` where the
   *   other process ended meanwhile: it may have come, or not.
   */
  async send(message: unknown): Promise<void> {
    const id = this.#link.send(message);
    const sent = new Promise<void>((resolve, reject) => this.#sending.set(id, { resolve, reject }));
    this.#pump();
    await sent;
  }

  /** Ends the session, tells the other end, and lets go of the stream. Does nothing the second time. */
  async close(reason = 'closed'): Promise<void> {
    if (this.#link.state === 'closed') return;
    const stream = this.#stream;
    this.#handle(this.#link.close());
    clearTimeout(this.#timer);
    if (stream !== undefined) await this.#sayBye(stream);
    this.#detach();
    this.#stream = undefined;
    this.#resolveClosed(reason);
  }

  async #sayBye(stream: Duplex): Promise<void> {
    const bye = this.#link.outgoing(performance.now());
    if (bye === undefined || stream.destroyed || !stream.writable) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, byeMilliseconds);
      stream.write(bye, () => resolve());
    });
    clearTimeout(timer);
  }

  #detached(stream: Duplex, reason: string): void {
    if (stream !== this.#stream) return;
    this.#detach();
    this.#stream = undefined;
    this.#handle(this.#link.interrupted(performance.now()));
    this.#options.onLife?.({ kind: 'detached', reason });
  }

  #handle(events: readonly LinkEvent[]): void {
    for (const event of events) {
      switch (event.kind) {
        case 'acknowledged':
          this.#sending.get(event.id)?.resolve();
          this.#sending.delete(event.id);
          break;
        case 'dropped':
          this.#sending.get(event.id)?.reject(endedError(this.#link.state));
          this.#sending.delete(event.id);
          break;
        case 'silent':
        case 'resumed':
        case 'incompatible':
          this.#options.onLife?.(event);
      }
    }
    for (const watch of [...this.#watchers]) watch();
    void this.#deliver();
    this.#pump();
  }

  /** Gives out what came, one after the other. */
  async #deliver(): Promise<void> {
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    try {
      for (let taken = this.#link.take(); taken !== undefined; taken = this.#link.take()) {
        switch (taken.kind) {
          case 'message':
            await this.#options.onMessage(taken.message);
            this.#pump();
            break;
          case 'session':
            this.#options.onSession?.(taken.session);
            break;
          case 'ended':
            this.#options.onLife?.({ kind: 'ended' });
            break;
          case 'unreadable':
            this.#options.onLife?.({ kind: 'unreadable', reason: taken.error.message });
        }
      }
    } catch (error) {
      // The program failed on what it was given: what it would make of the rest is not known.
      await this.close(`a message was given to the program, and it failed: ${(error as Error).message}`);
    } finally {
      this.#isDelivering = false;
    }
  }

  /** Gives the stream what is to be sent, never more than it takes: what is in a buffer cannot be thought better of. */
  #pump(): void {
    clearTimeout(this.#timer);
    if (this.#link.state === 'closed') return;
    const stream = this.#stream;
    // Without a stream nothing happens until there is one.
    if (stream === undefined) return;
    const now = performance.now();
    if (!this.#isWriting && stream.writable) this.#write(stream, now);
    const wakeAt = this.#link.wakeAt(now);
    if (wakeAt === undefined) return;
    // A stream that takes nothing says so itself when it does: only the silence is to be noticed meanwhile.
    const least = this.#isWriting || !stream.writable ? 100 : 1;
    const ms = Math.max(least, Math.ceil(wakeAt - now));
    this.#timer = setTimeout(() => this.#handle(this.#link.tick(performance.now())), ms);
  }

  #write(stream: Duplex, now: number): void {
    const frames: Uint8Array[] = [];
    let bytes = 0;
    while (bytes < writeBytes) {
      const frame = this.#link.outgoing(now);
      if (frame === undefined) break;
      frames.push(frame);
      bytes += frame.length;
    }
    if (bytes === 0) return;
    this.#isWriting = true;
    stream.write(Buffer.concat(frames), () => {
      if (stream !== this.#stream) return;
      this.#isWriting = false;
      this.#pump();
    });
  }

  #noAnswer(limitMs: number): LinkError {
    const { echoes, frames, bytes } = this.#link.figures;
    const seconds = limitMs / 1000;
    // A terminal in its cooked mode writes the zero of a delimiter as two characters.
    if (echoes > 0 || Buffer.from(this.noise).includes('^@')) {
      const says = `nobody answered within ${seconds} s, and what was sent comes back: a terminal echoes it`;
      return linkError('link-no-answer', says, 'stop the getty on that port, and set the port to raw mode');
    }
    if (bytes === 0) {
      const act =
        'look at the cable, at the name of the port, and whether the other end has power and is started';
      return linkError('link-no-answer', `nothing came within ${seconds} s`, act);
    }
    const says = `${bytes} bytes came within ${seconds} s, ${frames} frames among them, and no answer`;
    const act = 'something else speaks there: a console, another device, or the baud rate is another';
    return linkError('link-no-answer', says, act);
  }
}
