import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import PostalMime from 'postal-mime';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/** For tests: a mail that arrived, read by a parser that is not ours. */
export interface ReceivedMail {
  /** Of the envelope. */
  readonly from: string;
  readonly to: readonly string[];
  /** Names beside the addresses of its header's `To`. */
  readonly toNames: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** Every address that the text names, in order. */
  readonly links: readonly string[];
  /** Names in lower case, as often as they are there. */
  readonly headers: readonly { readonly key: string; readonly value: string }[];
  /** As it came, bytes as characters. */
  readonly raw: string;
}

/** For tests: what the server says to one step of a mail; undefined lets it pass. */
export type Answer = { readonly code: number; readonly text: string } | undefined;

export interface MailboxOptions {
  /** Default: `none`, without a login. */
  readonly security?: 'none' | 'tls' | 'starttls';
  /** Key and certificate, PEM; for `tls` and `starttls`. */
  readonly identity?: { readonly key: string; readonly cert: string };
  /** A login it demands. */
  readonly login?: { readonly user: string; readonly password: string };
  /** Default: a free one. */
  readonly port?: number;
  /** Asked once for each recipient and once for each message. */
  readonly answer?: (step: 'recipient' | 'message', recipient: string) => Answer;
}

/** Milliseconds that a mail may be on its way. */
const patience = 30_000;

/** For tests: a mail server on this machine that takes every mail and keeps it. */
export class Mailbox {
  readonly port: number;
  /** Everything that arrived, in order. */
  readonly mails: readonly ReceivedMail[];
  readonly #server: SMTPServer;
  readonly #security: 'none' | 'tls' | 'starttls';
  readonly #taken = new Set<ReceivedMail>();

  private constructor(
    server: SMTPServer,
    port: number,
    security: 'none' | 'tls' | 'starttls',
    mails: ReceivedMail[],
  ) {
    this.#server = server;
    this.port = port;
    this.#security = security;
    this.mails = mails;
  }

  static async open(options: MailboxOptions = {}): Promise<Mailbox> {
    const { security = 'none', identity, login, port = 0, answer = () => undefined } = options;
    const mails: ReceivedMail[] = [];
    const server = new SMTPServer({
      ...identity,
      secure: security === 'tls',
      disabledCommands: [
        ...(security === 'starttls' ? [] : ['STARTTLS']),
        ...(login === undefined ? ['AUTH'] : []),
      ],
      authOptional: login === undefined,
      allowInsecureAuth: security === 'none',
      logger: false,
      closeTimeout: 100,
      onAuth: ({ username, password }, _session, callback) => {
        if (username === login?.user && password === login?.password) callback(null, { user: username });
        else callback(reply({ code: 535, text: `5.7.8 no ${username} with that password` }));
      },
      onRcptTo: ({ address }, _session, callback) => callback(reply(answer('recipient', address))),
      onData: (stream, { envelope }, callback) => {
        void (async () => {
          const parts: Buffer[] = [];
          for await (const part of stream as AsyncIterable<Buffer>) parts.push(part);
          const refused = reply(answer('message', envelope.rcptTo[0]?.address ?? ''));
          if (refused === null) mails.push(await read(Buffer.concat(parts), envelope));
          callback(refused);
        })();
      },
    } satisfies SMTPServerOptions);
    // A client that breaks off is what some tests are about.
    server.on('error', () => undefined);
    const listener = server.listen(port, '127.0.0.1');
    await once(listener, 'listening');
    return new Mailbox(server, (listener.address() as AddressInfo).port, security, mails);
  }

  /** Waits for the next mail to `address` that this has not given yet. */
  async mailTo(address: string): Promise<ReceivedMail> {
    const end = performance.now() + patience;
    for (;;) {
      const mail = this.mails.find((one) => one.to.includes(address) && !this.#taken.has(one));
      if (mail !== undefined) {
        this.#taken.add(mail);
        return mail;
      }
      if (performance.now() > end) {
        const others = this.mails.map(({ to, subject }) => `${to.join()}: ${subject}`).join('; ');
        throw new Error(
          `no mail to ${address} in ${patience / 1000} s; there is: ${others || 'none at all'}`,
        );
      }
      await pause(10);
    }
  }

  /** Writes the file that `--mail` takes for this server, and gives its path. Without a login or an authority. */
  async writeConfig(folder: string): Promise<string> {
    const file = join(folder, 'mail.toml');
    const lines = [
      'host = "127.0.0.1"',
      `port = ${this.port}`,
      `security = "${this.#security}"`,
      'from = "loadline@example.com"',
    ];
    await writeFile(file, `${lines.join('\n')}\n`);
    return file;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(resolve));
  }
}

function reply(answer: Answer): Error | null {
  if (answer === undefined) return null;
  return Object.assign(new Error(answer.text), { responseCode: answer.code });
}

async function read(
  raw: Buffer,
  envelope: { mailFrom: false | { address: string }; rcptTo: readonly { address: string }[] },
): Promise<ReceivedMail> {
  return {
    ...(await readMessage(raw)),
    from: envelope.mailFrom ? envelope.mailFrom.address : '',
    to: envelope.rcptTo.map(({ address }) => address),
  };
}

/** For tests: reads a message, such as a file of the outbox. `from` and `to` are those of its header. */
export async function readMessage(raw: Buffer): Promise<ReceivedMail> {
  const { from, to = [], subject = '', text = '', html = '', headers } = await PostalMime.parse(raw);
  return {
    from: from?.address ?? '',
    to: to.map(({ address = '' }) => address),
    toNames: to.map(({ name = '' }) => name),
    subject,
    text,
    html,
    links: text.match(/https?:\/\/\S+/g) ?? [],
    headers: headers.map(({ key, value }) => ({ key, value })),
    raw: raw.toString('latin1'),
  };
}
