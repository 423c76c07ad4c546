import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';

export interface FarEndOptions {
  readonly server: { readonly privateKeyPem: string; readonly chainPem: string };
  readonly authorityPem: string;
  /** What it does with a publish; `acknowledge` sends the PUBACK. Default: acknowledges at once. */
  readonly onPublish?: (publish: FarPublish, acknowledge: () => void) => void;
  /** What it does with a subscription; `grant` and `refuse` send the SUBACK. Default: grants at once. */
  readonly onSubscribe?: (topic: string, grant: () => void, refuse: () => void) => void;
  /** Return code of its CONNACK; undefined for no CONNACK at all. Default: 0. */
  readonly connack?: { readonly code: number | undefined };
}

export interface FarPublish {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: number;
}

/** For tests: just enough of a broker, over real TLS with client certificates, to be as slow, deaf or rude as wanted. */
export class FarEnd {
  readonly connections: FarConnection[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(options: FarEndOptions): Promise<FarEnd> {
    const server = createServer({
      key: options.server.privateKeyPem,
      cert: options.server.chainPem,
      ca: options.authorityPem,
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: ['mqtt'],
    });
    const farEnd = new FarEnd(server);
    server.on('secureConnection', (socket) => farEnd.connections.push(new FarConnection(socket, options)));
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return farEnd;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const { socket } of this.connections) socket.destroy();
    this.#server.close();
  }
}

const type = { connect: 1, publish: 3, puback: 4, subscribe: 8, pingreq: 12, disconnect: 14 } as const;

/** For tests: one connection as the far end sees it. */
export class FarConnection {
  readonly socket: TLSSocket;
  readonly published: FarPublish[] = [];
  readonly subscribed: string[] = [];
  /** User name of its CONNECT. */
  user: string | undefined;
  /** Whether its CONNECT brought a password. */
  hasPassword = false;
  pings = 0;
  acknowledgements = 0;
  /** Whether it still answers: a half-open link's far end does not. */
  deaf = false;
  readonly #options: FarEndOptions;
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: TLSSocket, options: FarEndOptions) {
    this.socket = socket;
    this.#options = options;
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => {
      this.#rest = Buffer.concat([this.#rest, bytes]);
      while (this.#packet());
    });
  }

  /** Publishes to the client. */
  send(topic: string, payload: string, qos: 0 | 1 = 0): void {
    const name = Buffer.from(topic);
    const id = qos === 0 ? [] : [0, 7];
    const body = Buffer.concat([Buffer.from([0, name.length]), name, Buffer.from(id), Buffer.from(payload)]);
    this.#write((3 << 4) | (qos << 1), body);
  }

  #write(first: number, body: Uint8Array): void {
    if (this.deaf) return;
    const length = [];
    for (let rest = body.length; ; rest >>= 7) {
      length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
      if (rest <= 0x7f) break;
    }
    this.socket.write(Buffer.concat([Buffer.from([first, ...length]), body]));
  }

  /** Takes one packet off what has come; false where there is no whole one. */
  #packet(): boolean {
    let length = 0;
    let at = 1;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#rest[at++];
      if (byte === undefined) return false;
      length += (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if (this.#rest.length < at + length) return false;
    const first = this.#rest[0] as number;
    const body = this.#rest.subarray(at, at + length);
    this.#rest = this.#rest.subarray(at + length);
    if (!this.deaf) this.#received(first, body);
    return true;
  }

  /** Of a CONNECT without a will (MQTT 3.1.1, section 3.1): flags, then client id, user name and password. */
  #readLogin(body: Buffer): void {
    const flags = body[7] as number;
    const at = 12 + body.readUInt16BE(10);
    if ((flags & 0x80) !== 0) this.user = body.toString('utf8', at + 2, at + 2 + body.readUInt16BE(at));
    this.hasPassword = (flags & 0x40) !== 0;
  }

  #received(first: number, body: Buffer): void {
    switch (first >> 4) {
      case type.connect: {
        this.#readLogin(body);
        const { code } = this.#options.connack ?? { code: 0 };
        if (code !== undefined) this.#write(0x20, Buffer.from([0, code]));
        return;
      }
      case type.publish: {
        const qos = (first >> 1) & 3;
        const end = 2 + body.readUInt16BE(0);
        const id = qos === 0 ? Buffer.alloc(0) : body.subarray(end, end + 2);
        const publish = {
          topic: body.toString('utf8', 2, end),
          payload: body.subarray(end + id.length),
          qos,
        };
        this.published.push(publish);
        const acknowledge = (): void => this.#write(0x40, id);
        if (qos === 0) return;
        if (this.#options.onPublish) this.#options.onPublish(publish, acknowledge);
        else acknowledge();
        return;
      }
      case type.puback:
        this.acknowledgements++;
        return;
      case type.subscribe: {
        const end = 4 + body.readUInt16BE(2);
        const topic = body.toString('utf8', 4, end);
        this.subscribed.push(`${topic} ${body[end]}`);
        const granted = Buffer.from([body[0] as number, body[1] as number, body[end] as number]);
        const grant = (): void => this.#write(0x90, granted);
        const refuse = (): void => this.#write(0x90, Buffer.from([...granted.subarray(0, 2), 0x80]));
        if (this.#options.onSubscribe) this.#options.onSubscribe(topic, grant, refuse);
        else grant();
        return;
      }
      case type.pingreq:
        this.pings++;
        this.#write(0xd0, Buffer.alloc(0));
        return;
      case type.disconnect:
        this.socket.end();
    }
  }
}
