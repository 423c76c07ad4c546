import { Duplex } from 'node:stream';
import {
  type News,
  news,
  type QuestionBody,
  type QuestionName,
  questions,
  type Reply,
} from '@loadline/sdk/provisioning';
import { Conversation, LinkError } from '@loadline/sdk/serial-link';
import { until } from '../rig/index.ts';
import { MetalError } from './errors.ts';
import { RealPort } from './real-port.ts';
import type { Vouch } from './vouch.ts';

/** What a gateway says of itself to whoever has its cable. */
export type Description = Reply<'describe'>;
/** A sensor as the gateway hears it: its tag, on which of its ports, how often since it began to listen. */
export type HeardTag = News<'heard'>['tags'][number];

/** A gateway's answers come within a second; one that has just been started takes a few. */
const answerMs = 8000;
/** What it hears it tells once a second. */
const toldMs = 15_000;

/**
 * A gateway elsewhere, as far as its own serial console lets it be seen: what it is, and, by whoever can show a voucher, what
 * it hears. It does not tell its log, its journal or its configuration there, and cannot be stopped there.
 */
export class GatewayConsole {
  readonly path: string;
  readonly #port: RealPort;
  readonly #conversation: Conversation;
  readonly #vouch: Vouch | undefined;
  #heard: readonly HeardTag[] = [];
  #tellings = 0;
  #isOwned = false;

  private constructor(port: RealPort, vouch: Vouch | undefined) {
    this.path = port.path;
    this.#port = port;
    this.#vouch = vouch;
    this.#conversation = Conversation.over(duplexOver(port), {
      role: 'calls',
      capabilities: ['provisioning/1'],
      onTell: (name, body) => {
        if (name !== 'heard') return;
        const told = news.heard.safeParse(body);
        if (!told.success) return;
        this.#heard = told.data.tags;
        this.#tellings += 1;
      },
    });
  }

  /**
   * Opens a port, and waits until a gateway answers on it.
   *
   * @param vouch undefined: what the gateway hears cannot be asked
   * @throws MetalError `no-gateway` that says what answered instead; those of RealPort.open
   */
  static async open(path: string, vouch?: Vouch): Promise<GatewayConsole> {
    const port = await RealPort.open(path);
    const console = new GatewayConsole(port, vouch);
    try {
      await console.#conversation.link.ready(answerMs);
      return console;
    } catch (error) {
      const said = Buffer.from(console.#conversation.link.noise).toString('latin1');
      await console.close();
      throw noGateway(path, error as Error, said);
    }
  }

  /** What it is. */
  async describe(): Promise<Description> {
    return await this.#ask('describe', {});
  }

  /**
   * Has it listen, and counts from nothing: on every serial port that nobody has where it is nobody's yet, on its
   * configured ones where it works. @throws MetalError `not-owner`
   */
  async listen(): Promise<void> {
    await this.#own();
    await this.#ask('listen', { on: false });
    const before = this.#tellings;
    this.#heard = [];
    await this.#ask('listen', { on: true });
    // Its ports are open when it tells for the first time.
    await until(() => this.#tellings > before, { limitMs: toldMs, what: 'the gateway tells what it hears' });
  }

  /** What it has heard since `listen`, as it told last: at most a second ago. */
  get heard(): readonly HeardTag[] {
    return this.#heard;
  }

  /** Waits until what it hears is as `wanted`; says what it was, where that does not come. */
  async heardWhere(
    what: string,
    wanted: (heard: readonly HeardTag[]) => boolean,
    limitMs = toldMs,
  ): Promise<readonly HeardTag[]> {
    try {
      await until(() => wanted(this.#heard), { limitMs, what });
    } catch (error) {
      const last = this.#heard.map(({ tag, port, frames }) => `${tag} ${frames} times on ${port}`);
      throw new Error(`${(error as Error).message}; heard ${last.join(', ') || 'nothing'}`, { cause: error });
    }
    return this.#heard;
  }

  /** Ends the listening, says goodbye, and releases the port. */
  async close(): Promise<void> {
    await this.#conversation.close();
    await this.#port.close();
  }

  /** Closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #own(): Promise<void> {
    if (this.#isOwned) return;
    if (this.#vouch === undefined) {
      throw new MetalError(
        'not-owner',
        'a gateway says what it hears to its owner only',
        'set LOADLINE_URL and LOADLINE_TOKEN (scope vouchers.create), as for loadline provision',
      );
    }
    const { serialNumber, nonce, ownershipCounter } = await this.describe();
    const voucher = await this.#vouch({ serialNumber, nonce, counter: ownershipCounter });
    await this.#ask('own', { voucher, discardUndelivered: false });
    this.#isOwned = true;
  }

  async #ask<N extends QuestionName>(name: N, body: QuestionBody<N>): Promise<Reply<N>> {
    let answer: unknown;
    try {
      answer = await this.#conversation.ask(name, body, { limitMs: 30_000 });
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      const { code, message, act } = error;
      const what = `the gateway on ${this.path} was asked to ${name}: ${message} (${code})`;
      throw new MetalError('no-gateway', what, act || 'look at its cable and its power', { cause: error });
    }
    const reply = questions[name].reply.safeParse(answer);
    if (reply.success) return reply.data as Reply<N>;
    const [issue] = reply.error.issues;
    throw new MetalError(
      'no-gateway',
      `the gateway on ${this.path} answers ${name} otherwise than it should: ${issue?.path.join('.')} ${issue?.message}`,
      'bring gateway and kit to one version',
    );
  }
}

function noGateway(path: string, cause: Error, said: string): MetalError {
  const what = `no gateway answers on ${path}`;
  if (/login:|password:/i.test(said)) {
    return new MetalError(
      'no-gateway',
      `${what}: a login prompt does`,
      "a getty has the gateway's console: on the gateway, systemctl disable --now serial-getty@…; or use its USB-gadget port",
      { cause },
    );
  }
  const { message, act } = cause as Error & { readonly act?: string };
  return new MetalError(
    'no-gateway',
    `${what}: ${message}`,
    `${act ?? 'look at its cable'}. One that is provisioned answers only after the physical act (docs/provisioning.md)`,
    { cause },
  );
}

/** A port as the stream that a link is put on. It ends when the port's device goes. */
function duplexOver(port: RealPort): Duplex {
  const stream = new Duplex({
    read() {},
    write: (bytes, _encoding, done) => {
      port.write(bytes).then(() => done(), done);
    },
  });
  const unhear = port.onData((bytes) => stream.push(Buffer.from(bytes)));
  for (const event of ['close', 'error']) stream.once(event, unhear);
  return stream;
}
