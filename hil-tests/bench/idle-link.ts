import { once } from 'node:events';
import type { Socket, TcpNetConnectOpts } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import { generate, type Packet } from 'mqtt-packet';

/** What a link says first, and how it is asked whether the cloud is there. */
export type Opening =
  | {
      readonly speaks: 'mqtt';
      readonly clientId: string;
      readonly proof?: { readonly key: string; readonly cert: string };
      readonly login?: { readonly username: string; readonly password: string };
      readonly subscribe?: string;
    }
  /** One request, and then silence; with `stream`, its answer never ends. */
  | { readonly speaks: 'https'; readonly path: string; readonly token?: string; readonly stream: boolean };

/** Where to, and from which of this machine's addresses. */
export interface Way {
  readonly port: number;
  readonly ca: string;
  readonly localAddress: string;
}

/** Milliseconds that an answer may take. */
const patience = 30_000;

const types = { connack: 2, puback: 4, suback: 9, pingresp: 13 } as const;

/** A connection that is as cheap as one can be on its own side, so that ten thousand of them are one process. */
export class IdleLink {
  readonly #socket: Socket;
  readonly #opening: Opening;
  /** Answers that somebody waits for, the oldest first. */
  readonly #waiting: { readonly type: number; readonly resolve: () => void }[] = [];
  #messageId = 0;

  private constructor(socket: Socket, opening: Opening) {
    this.#socket = socket;
    this.#opening = opening;
    socket.on('data', (bytes: Buffer) => this.#read(bytes));
  }

  /** Connects and opens; rejects where the cloud does not want it. */
  static async open({ port, ca, localAddress }: Way, opening: Opening): Promise<IdleLink> {
    const proof = opening.speaks === 'mqtt' ? opening.proof : undefined;
    const to: TcpNetConnectOpts = { host: '127.0.0.1', port, localAddress };
    const tls: ConnectionOptions = { servername: 'localhost', ca, ...(proof ?? {}) };
    const socket = connect(Object.assign(tls, to));
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    await Promise.race([
      once(socket, 'secureConnect'),
      once(socket, 'close').then(() => {
        throw new Error('closed in its handshake');
      }),
    ]);
    const link = new IdleLink(socket, opening);
    await link.#begin();
    return link;
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** Resolves when the cloud has answered that it is there. */
  async ping(): Promise<void> {
    if (this.#opening.speaks === 'mqtt') await this.#ask({ cmd: 'pingreq' }, types.pingresp);
    else if (!this.#opening.stream) await this.#request();
  }

  /** Publishes with QoS 1; resolves with the PUBACK. */
  async publish(topic: string, payload: Buffer): Promise<void> {
    this.#messageId += 1;
    const { messageId } = { messageId: this.#messageId };
    await this.#ask(
      { cmd: 'publish', topic, payload, messageId, qos: 1, dup: false, retain: false },
      types.puback,
    );
  }

  close(): void {
    this.#socket.destroy();
  }

  async #begin(): Promise<void> {
    if (this.#opening.speaks === 'https') {
      await this.#request();
      return;
    }
    const { clientId, login, subscribe } = this.#opening;
    const password = login && { ...login, password: Buffer.from(login.password) };
    await this.#ask(
      {
        cmd: 'connect',
        clientId,
        clean: true,
        protocolId: 'MQTT',
        protocolVersion: 4,
        keepalive: 60,
        ...password,
      },
      types.connack,
    );
    if (subscribe !== undefined) {
      const subscriptions = [{ topic: subscribe, qos: 0 as const }];
      await this.#ask({ cmd: 'subscribe', messageId: 1, subscriptions }, types.suback);
    }
  }

  async #request(): Promise<void> {
    const { path, token } = this.#opening as Opening & { speaks: 'https' };
    const proof = token === undefined ? '' : `authorization: Bearer ${token}\r\n`;
    this.#socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n${proof}\r\n`);
    await this.#answer(0);
  }

  async #ask(packet: Packet, type: number): Promise<void> {
    this.#socket.write(generate(packet));
    await this.#answer(type);
  }

  #answer(type: number): Promise<void> {
    const who = this.#opening.speaks === 'mqtt' ? this.#opening.clientId : this.#opening.path;
    return new Promise((resolve, reject) => {
      const lost = () => reject(new Error(`${who}: closed without an answer`));
      const late = setTimeout(() => reject(new Error(`${who}: no answer of type ${type}`)), patience);
      this.#socket.once('close', lost);
      this.#waiting.push({
        type,
        resolve: () => {
          clearTimeout(late);
          this.#socket.off('close', lost);
          resolve();
        },
      });
    });
  }

  #read(bytes: Buffer): void {
    if (this.#opening.speaks === 'https') {
      // The answer's first bytes are enough: they come whole, and what follows of a stream is nobody's.
      const next = this.#waiting.shift();
      if (next !== undefined && !/^HTTP\/1.1 2/.test(bytes.subarray(0, 12).toString('latin1'))) this.close();
      else next?.resolve();
      return;
    }
    // Answers are so short that they come whole.
    for (let at = 0; at < bytes.length; ) {
      const type = (bytes[at] as number) >> 4;
      let length = 0;
      let scale = 1;
      let byte: number;
      do {
        byte = bytes[++at] ?? 0;
        length += (byte & 0x7f) * scale;
        scale *= 0x80;
      } while (byte >= 0x80);
      if (type === types.connack && bytes[at + 2] !== 0) this.close();
      else this.#answered(type);
      at += length + 1;
    }
  }

  /** A commit takes its time: a ping after it may be answered before it. */
  #answered(type: number): void {
    const at = this.#waiting.findIndex((one) => one.type === type);
    if (at >= 0) this.#waiting.splice(at, 1)[0]?.resolve();
  }
}
