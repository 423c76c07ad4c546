import type { Duplex } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import {
  type News,
  type NewsName,
  news,
  type QuestionBody,
  type QuestionName,
  questions,
  type RefusalCode,
  type Reply,
  refusals,
} from '@loadline/sdk/provisioning';
import { type Answerer, Conversation, LinkError } from '@loadline/sdk/serial-link';
import type * as z from 'zod';
import { type GatewayLine, GatewayRefusal, LineLost } from './line.ts';
import { actsOnRefusals } from './words.ts';

/** A stream that has been opened, and how it is let go of. */
export interface OpenedLine {
  readonly stream: Duplex;
  close(): Promise<void>;
}

export interface SerialGatewayOptions {
  /** Opens the line, now and after it was lost. */
  readonly open: () => Promise<OpenedLine>;
  /** Milliseconds in which a line that was lost must be back: a plug that was knocked out, a board that renames its port. */
  readonly patience: number;
  /** What the tool answers where the gateway asks. */
  readonly answers?: Readonly<Record<string, Answerer>>;
  /** The line was lost, or is back. */
  readonly onLife?: (life: 'lost' | 'back') => void;
}

/** What a link's end of the tool calls itself. */
const toolCapabilities = ['provisioning/1'];

/** Milliseconds between two attempts to open a line that was lost. */
const reopenEvery = 500;
/** Seconds for an answer to a question that is a matter of disks. */
const usualSeconds = 30;

/** A gateway behind a serial link: questions and news in the words of `sdk/provisioning`, checked both ways. */
export class SerialGateway implements GatewayLine {
  readonly #options: SerialGatewayOptions;
  readonly #listeners = new Map<NewsName, Set<(body: never) => void>>();
  readonly #conversation: Conversation;
  #line: OpenedLine;
  #patience: number;
  #lost: string | undefined;
  /** Runs while nothing comes. */
  #missing: NodeJS.Timeout | undefined;
  #isClosed = false;

  private constructor(line: OpenedLine, options: SerialGatewayOptions) {
    this.#line = line;
    this.#patience = options.patience;
    this.#options = options;
    this.#conversation = Conversation.over(line.stream, {
      role: 'calls',
      capabilities: toolCapabilities,
      ...(options.answers && { answers: options.answers }),
      onTell: (name, body) => this.#hear(name, body),
      onSession: () => this.#found(),
      onLife: ({ kind }) => {
        if (kind === 'resumed') this.#found();
        if (kind === 'silent' || kind === 'detached') this.#miss();
        if (kind === 'detached') void this.#reopen();
      },
    });
  }

  /**
   * Opens a line and waits until a gateway answers on it.
   *
   * @param limitMs milliseconds in which it must
   * @throws LinkError where nothing answers as a gateway does; what opening throws
   */
  static async open(options: SerialGatewayOptions, limitMs: number): Promise<SerialGateway> {
    const gateway = new SerialGateway(await options.open(), options);
    try {
      await gateway.#conversation.link.ready(limitMs);
      return gateway;
    } catch (error) {
      const said = Buffer.from(gateway.#conversation.link.noise).toString('latin1');
      await gateway.close();
      throw /login:|password:/i.test(said) ? getty() : error;
    }
  }

  async ask<N extends QuestionName>(
    name: N,
    body: QuestionBody<N>,
    { seconds = usualSeconds }: { readonly seconds?: number } = {},
  ): Promise<Reply<N>> {
    return (await this.askFor(name, body, questions[name].reply, seconds)) as Reply<N>;
  }

  /** Asks what is no question of provisioning. @throws as `ask` */
  async askFor<Schema extends z.ZodType>(
    name: string,
    body: unknown,
    schema: Schema,
    seconds = usualSeconds,
  ): Promise<z.output<Schema>> {
    let answer: unknown;
    try {
      answer = await this.#conversation.ask(name, body, { limitMs: seconds * 1000 });
    } catch (error) {
      throw this.#judge(error, name);
    }
    const reply = schema.safeParse(answer);
    if (reply.success) return reply.data;
    const [issue] = reply.error.issues;
    throw new Error(
      `the answer to ${name} is not what the protocol says (${issue?.path.join('.')} ${issue?.message}): update loadline, or the gateway`,
    );
  }

  onNews<N extends NewsName>(name: N, listener: (news: News<N>) => void): () => void {
    const all = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, all);
    all.add(listener);
    return () => all.delete(listener);
  }

  /** Waits so long, in milliseconds, when the line is silent from now on: who restarts is not gone. */
  waitFor(patience: number): void {
    this.#patience = patience;
  }

  /** Whether it was lost for good: nobody waits for it any more. */
  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** What the other end says that it can do. */
  get capabilities(): readonly string[] {
    return this.#conversation.link.session?.capabilities ?? [];
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#missing);
    await this.#conversation.close();
    await this.#line.close();
  }

  /** What is no news is of a later version, and nothing to end for. */
  #hear(name: string, body: unknown): void {
    if (!Object.hasOwn(news, name)) return;
    const told = news[name as NewsName].safeParse(body);
    if (!told.success) return;
    for (const listener of this.#listeners.get(name as NewsName) ?? []) listener(told.data as never);
  }

  #judge(error: unknown, name: string): unknown {
    if (!(error instanceof LinkError)) return error;
    const { code, message, act } = error;
    if (Object.hasOwn(refusals, code)) {
      return new GatewayRefusal(code as RefusalCode, message, act || actsOnRefusals[code as RefusalCode]);
    }
    switch (code) {
      case 'link-closed':
      case 'link-session-ended':
      case 'link-ask-timeout':
        return new LineLost(`${this.#lost ?? message}, while it was asked to ${name}`, { cause: error });
      default:
        return error;
    }
  }

  /** Nothing comes: a plug was knocked out, a board has no power. It may come back, and then all goes on where it was. */
  #miss(): void {
    if (this.#missing !== undefined || this.#isClosed) return;
    this.#options.onLife?.('lost');
    this.#missing = setTimeout(() => {
      this.#lost = 'the line was lost';
      void this.#conversation.close();
    }, this.#patience);
  }

  #found(): void {
    if (this.#missing === undefined) return;
    clearTimeout(this.#missing);
    this.#missing = undefined;
    this.#options.onLife?.('back');
  }

  async #reopen(): Promise<void> {
    await this.#line.close();
    while (!this.#isClosed && this.#lost === undefined) {
      const line = await this.#options.open().catch(() => undefined);
      if (line === undefined) {
        await wait(reopenEvery);
        continue;
      }
      this.#line = line;
      if (this.#isClosed) await line.close();
      else this.#conversation.link.attach(line.stream);
      return;
    }
  }
}

function getty(): Error {
  return new LinkError(
    'link-no-answer',
    "a login prompt answers here: a getty has the gateway's console",
    'on the gateway: systemctl disable --now serial-getty@…, take console= out of its command line; or use its USB-gadget port',
  );
}
