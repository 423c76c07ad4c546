import type { Duplex } from 'node:stream';
import { limits } from '../contract/index.ts';
import { endedError, LinkError, linkError } from './errors.ts';
import { SerialLink, type SerialLinkOptions } from './serial-link.ts';

/** Answers one kind of ask; what it throws as LinkError the asker is told, of anything else only that it failed. */
export type Answerer = (body: unknown) => unknown;

export interface ConversationOptions extends Omit<SerialLinkOptions, 'onMessage'> {
  /** What is answered, by the name of the ask. Many may be answered at once, in any order. */
  readonly answers?: Readonly<Record<string, Answerer>>;
  /** Something was told that asks for no answer; given in order. */
  readonly onTell?: (name: string, body: unknown) => void;
  /** An answerer failed with something other than a LinkError, or a message came that belongs to no conversation. */
  readonly onFault?: (error: Error) => void;
}

export interface AskOptions {
  /** Milliseconds after which no answer is waited for any more. Default: 30,000. A cut of the line counts. */
  readonly limitMs?: number;
  readonly signal?: AbortSignal;
}

/** First elements of a message. */
const forms = { ask: 0, reply: 1, failure: 2, tell: 3 } as const;

const defaultLimitMs = 30_000;
const namePattern = /^[a-z0-9][a-z0-9./-]{0,63}$/;

/** What a message says. */
type Said =
  | { readonly form: 'ask'; readonly id: number; readonly name: string; readonly body: unknown }
  | { readonly form: 'reply'; readonly id: number; readonly body: unknown }
  | { readonly form: 'failure'; readonly id: number; readonly error: LinkError }
  | { readonly form: 'tell'; readonly name: string; readonly body: unknown };

interface Asked {
  /** Who has the ask; undefined until its link has acknowledged it. */
  peer: string | undefined;
  readonly resolve: (body: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Asks and answers over a serial link, both ways and many at once, and tells that want no answer. An ask reaches the other
 * program once at most, whatever the line does; when the session ends, all that are open end with `link-session-ended`.
 *
 *     [0, id, name, body]            ask
 *     [1, id, body]                  its reply
 *     [2, id, code, says, act]       or why there is none
 *     [3, name, body]                tell
 */
export class Conversation {
  readonly link: SerialLink;
  readonly #options: ConversationOptions;
  readonly #asked = new Map<number, Asked>();
  #ids = 0;
  #answering = 0;
  /** Of whom the messages are that are given out now. */
  #peer: string | undefined;

  private constructor(stream: Duplex, options: ConversationOptions) {
    this.#options = options;
    const { role, capabilities } = options;
    this.link = SerialLink.over(stream, {
      ...{ role, capabilities },
      onMessage: (message) => this.#take(message),
      onSession: (session) => {
        this.#peer = session.peer;
        this.#endAllBut(session.peer);
        options.onSession?.(session);
      },
      onLife: (life) => {
        if (life.kind === 'ended') this.#endAllBut(undefined);
        options.onLife?.(life);
      },
    });
  }

  /** Begins on a stream that stands. */
  static over(stream: Duplex, options: ConversationOptions): Conversation {
    return new Conversation(stream, options);
  }

  /**
   * Asks the other end, and resolves with its reply.
   * @throws {LinkError} With the code that the other end gave, or `link-ask-timeout`, `link-ask-unknown`,
   *   `link-ask-failed`, `link-session-ended`, `link-too-many-asks`, and those of `SerialLink.send`.
   */
  async ask(
    name: string,
    body: unknown,
    { limitMs = defaultLimitMs, signal }: AskOptions = {},
  ): Promise<unknown> {
    signal?.throwIfAborted();
    if (this.#asked.size >= limits.linkAsks) {
      const says = `${limits.linkAsks} asks are unanswered`;
      throw linkError('link-too-many-asks', says, 'wait until one of them is answered');
    }
    const id = ++this.#ids;
    let timer: NodeJS.Timeout | undefined;
    let onAbort = () => {};
    try {
      return await new Promise((resolve, reject) => {
        const asked: Asked = { peer: undefined, resolve, reject };
        this.#asked.set(id, asked);
        timer = setTimeout(() => reject(this.#timeout(name, limitMs)), limitMs);
        onAbort = () => reject(signal?.reason);
        signal?.addEventListener('abort', onAbort);
        this.link.send([forms.ask, id, name, body]).then(() => {
          asked.peer = this.link.session?.peer;
        }, reject);
      });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      this.#asked.delete(id);
    }
  }

  /** Tells the other end something; resolves when its link has it. @throws {LinkError} as `SerialLink.send`. */
  tell(name: string, body: unknown): Promise<void> {
    return this.link.send([forms.tell, name, body]);
  }

  /** Closes the link; asks that are open end with `link-closed`. */
  async close(): Promise<void> {
    await this.link.close();
    this.#endAllBut(undefined);
  }

  #take(message: unknown): void {
    const said = read(message);
    switch (said?.form) {
      case 'ask':
        void this.#answer(said);
        return;
      case 'reply':
        this.#asked.get(said.id)?.resolve(said.body);
        return;
      case 'failure':
        this.#asked.get(said.id)?.reject(said.error);
        return;
      case 'tell':
        this.#options.onTell?.(said.name, said.body);
        return;
      case undefined:
        this.#options.onFault?.(new Error('a message came that is no ask, no answer and no tell'));
    }
  }

  async #answer({ id, name, body }: Extract<Said, { form: 'ask' }>): Promise<void> {
    const peer = this.#peer;
    let answer: unknown[];
    this.#answering += 1;
    try {
      answer = [forms.reply, id, await this.#answererOf(name)(body)];
    } catch (error) {
      answer = this.#failure(id, name, error);
    } finally {
      this.#answering -= 1;
    }
    // Whoever is there now asked something else by that number.
    if (peer === undefined || this.link.session?.peer !== peer) return;
    try {
      await this.link.send(answer);
    } catch (error) {
      const { code } = error as LinkError;
      if (code === 'link-session-ended' || code === 'link-closed') return;
      // The answer itself cannot travel: that can be said.
      this.link.send(this.#failure(id, name, error)).catch(() => {});
    }
  }

  #answererOf(name: string): Answerer {
    const { answers = {} } = this.#options;
    const answerer = Object.hasOwn(answers, name) ? answers[name] : undefined;
    if (answerer === undefined) {
      const act = 'use versions of tool and gateway that belong together';
      throw linkError('link-ask-unknown', `nothing here answers ${JSON.stringify(name)}`, act);
    }
    if (this.#answering > limits.linkAsks) {
      const says = `${limits.linkAsks} asks are being answered`;
      throw linkError('link-too-many-asks', says, 'wait until one of them is answered');
    }
    return answerer;
  }

  #failure(id: number, name: string, error: unknown): unknown[] {
    if (error instanceof LinkError) return [forms.failure, id, error.code, error.message, error.act];
    this.#options.onFault?.(error as Error);
    const code: LinkError['code'] = 'link-ask-failed';
    return [forms.failure, id, code, `${name} failed`, 'look into the log of the other end'];
  }

  /** Asks that the other end has, and did not answer, and that another one will not. */
  #endAllBut(peer: string | undefined): void {
    for (const asked of this.#asked.values()) {
      if (asked.peer !== undefined && asked.peer !== peer) asked.reject(endedError(this.link.state));
    }
  }

  #timeout(name: string, limitMs: number): LinkError {
    const says = `no answer to ${name} came within ${limitMs / 1000} s`;
    return linkError(
      'link-ask-timeout',
      says,
      'look at the cable; what was asked may have been done, so ask for the state',
    );
  }
}

/** What a message says; undefined where it is of none of the forms. */
function read(message: unknown): Said | undefined {
  const [form, ...rest] = Array.isArray(message) ? (message as unknown[]) : [];
  const [id, name] = rest;
  switch (form) {
    case forms.ask:
      return isId(id) && isName(name) ? { form: 'ask', id, name, body: rest[2] } : undefined;
    case forms.reply:
      return isId(id) ? { form: 'reply', id, body: rest[1] } : undefined;
    case forms.failure: {
      const [, code, says, act] = rest;
      if (!isId(id) || !isName(code) || typeof says !== 'string' || typeof act !== 'string') return undefined;
      return { form: 'failure', id, error: new LinkError(code, says, act) };
    }
    case forms.tell:
      return isName(id) ? { form: 'tell', name: id, body: rest[1] } : undefined;
    default:
      return undefined;
  }
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && namePattern.test(value);
}
