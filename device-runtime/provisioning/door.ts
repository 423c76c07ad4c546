import { statSync } from 'node:fs';
import { type FlashQuestionName, flashQuestions } from '@loadline/sdk/flashing';
import type { Log } from '@loadline/sdk/platform';
import { type QuestionName, questions } from '@loadline/sdk/provisioning';
import { Conversation } from '@loadline/sdk/serial-link';
import type { BindingInterface } from '@serialport/bindings-cpp';
import { SerialPortStream } from '@serialport/stream';
import type { Flasher } from '../flashing/index.ts';
import { adviceOn, findHolders, watchLife } from '../radio/index.ts';
import type { Agent } from './agent.ts';

/** What the gateway says it can do. */
const capabilities = { provisioning: 'provisioning/1', flashing: 'flashing/1' };
/** First and longest wait before a port is opened again, in milliseconds: it may not be there yet. */
const reopen = { first: 100, longest: 1000 };
/** Milliseconds from one look at who else has the port open to the next. */
const holdersMilliseconds = 30_000;
const baudRate = 115_200;

export interface DoorOptions {
  readonly path: string;
  readonly binding: BindingInterface;
  readonly agent: Agent;
  readonly flasher: Flasher | undefined;
  readonly log: Log;
  /** A question was asked. */
  readonly onAsked: () => void;
}

type Stream = SerialPortStream<BindingInterface>;

/**
 * One tty that questions are answered on: opened when it is there, opened again when it was away, closed for good by
 * `close`. What another program does on it is named.
 */
export class Door {
  readonly #options: DoorOptions;
  #stream: Stream | undefined;
  #conversation: Conversation | undefined;
  #talk: ReturnType<Agent['converse']> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #holdersTimer: NodeJS.Timeout | undefined;
  #endWatch = () => {};
  #failures = 0;
  /** What was said since the port was open last. */
  readonly #said = new Set<string>();
  #isClosed = false;
  #opening: Promise<void> = Promise.resolve();

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  open(): void {
    if (this.#isClosed) return;
    this.#opening = this.#attempt();
  }

  /** Says goodbye, and releases the tty. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#holdersTimer);
    await this.#opening;
    this.#endWatch();
    await this.#talk?.end();
    await this.#conversation?.close();
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream?.isOpen) await new Promise<void>((resolve) => stream.close(() => resolve()));
  }

  async #attempt(): Promise<void> {
    const { path, binding, log } = this.#options;
    const stream: Stream = new SerialPortStream({ binding, path, baudRate, autoOpen: false });
    try {
      await new Promise<void>((resolve, reject) => {
        stream.open((error) => (error ? reject(error) : resolve()));
      });
    } catch (error) {
      this.#sayOnce(`cannot be opened: ${(error as Error).message}`);
      if (this.#failures === 0 && isThere(path)) await this.#nameHolders();
      this.#later();
      return;
    }
    if (this.#isClosed) {
      await new Promise<void>((resolve) => stream.close(() => resolve()));
      return;
    }
    this.#failures = 0;
    this.#said.clear();
    log.info('provisioning-port-open', { path });
    this.#use(stream);
    await this.#nameHolders();
  }

  #use(stream: Stream): void {
    this.#stream = stream;
    stream.once('close', () => this.#gone(stream, 'closed'));
    stream.on('error', (error) => this.#gone(stream, error.message));
    const { fd } = stream.port as { fd?: number | null };
    if (typeof fd === 'number') {
      this.#endWatch = watchLife(fd, this.#options.path, (reason) => {
        stream.close(() => {});
        this.#gone(stream, reason);
      });
    }
    if (this.#conversation === undefined) this.#conversation = this.#converse(stream);
    // The same link goes on: whoever is there again takes up the session that stood.
    else this.#conversation.link.attach(stream);
  }

  #converse(stream: Stream): Conversation {
    const { agent, flasher, log, path, onAsked } = this.#options;
    const conversation: Conversation = Conversation.over(stream, {
      role: 'answers',
      capabilities: [capabilities.provisioning, ...(flasher ? [capabilities.flashing] : [])],
      answers: {
        ...answersTo(Object.keys(questions) as QuestionName[], (question, body) => {
          onAsked();
          return this.#talk?.answer(question, body);
        }),
        ...(flasher &&
          answersTo(Object.keys(flashQuestions) as FlashQuestionName[], (question, body) => {
            onAsked();
            return flasher.answer(question, body, (name, asked, options) =>
              conversation.ask(name, asked, options),
            );
          })),
      },
      onSession: ({ peer }) => {
        log.info('provisioning-session', { path, peer });
        void this.#talk?.end();
        this.#talk = agent.converse((name, body) => conversation.tell(name, body).catch(() => {}));
      },
      onLife: ({ kind }) => {
        if (kind !== 'ended') return;
        void this.#talk?.end();
        this.#talk = undefined;
      },
      onFault: (error) => log.error('provisioning-fault', { path, reason: error.message }),
    });
    return conversation;
  }

  #gone(stream: Stream, reason: string): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    this.#endWatch();
    if (this.#isClosed) return;
    this.#options.log.info('provisioning-port-gone', { path: this.#options.path, reason });
    this.#later();
  }

  #later(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    const wait = Math.min(reopen.longest, reopen.first * 2 ** this.#failures++);
    this.#timer = setTimeout(() => this.open(), wait);
  }

  /** A getty, ModemManager: the lock on the port binds only programs that ask for it. */
  async #nameHolders(): Promise<void> {
    const { path, log } = this.#options;
    clearTimeout(this.#holdersTimer);
    if (process.platform === 'linux') {
      const device = isThere(path) ? statSync(path).rdev : undefined;
      const { holders } = device === undefined ? { holders: undefined } : await findHolders([device]);
      for (const holder of holders?.get(device as number) ?? []) {
        this.#sayOnce(`is held: ${adviceOn(holder, path)}`);
      }
    }
    if (this.#isClosed) return;
    this.#holdersTimer = setTimeout(() => {
      this.#nameHolders().catch((error: Error) =>
        log.warn('port-holders-unknown', { reason: error.message }),
      );
    }, holdersMilliseconds);
  }

  /** Each thing once, until the port was open again. */
  #sayOnce(what: string): void {
    if (this.#said.has(what)) return;
    this.#said.add(what);
    this.#options.log.warn('provisioning-port', { path: this.#options.path, reason: what });
  }
}

function answersTo<Name extends string>(
  names: readonly Name[],
  answer: (name: Name, body: unknown) => unknown,
): Record<string, (body: unknown) => unknown> {
  return Object.fromEntries(names.map((name) => [name, (body: unknown) => answer(name, body)]));
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
