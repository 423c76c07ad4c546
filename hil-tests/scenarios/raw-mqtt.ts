import { connect, type TLSSocket } from 'node:tls';
import { until } from '../rig/index.ts';
import type { CloudProcess } from '../system/index.ts';

/**
 * MQTT 3.1.1 as bytes, for tests of what a client must not do: nothing here keeps to the rules by itself.
 *
 *     packet = type << 4 | flags, remaining length (7 bits a byte, least first), body       (section 2.2)
 */

/** Control packet types that the tests look for (MQTT 3.1.1, table 2.1). */
export const packetTypes = { connack: 2, publish: 3, puback: 4, pubrec: 5, suback: 9, pingresp: 13 } as const;

/** A packet from the cloud. */
export interface Packet {
  readonly type: number;
  readonly body: Buffer;
}

/** A length as MQTT writes it (section 2.2.3). */
export function remainingLength(length: number): Buffer {
  const bytes: number[] = [];
  for (let rest = length; ; ) {
    const seven = rest & 0x7f;
    rest = Math.floor(rest / 0x80);
    bytes.push(rest > 0 ? seven | 0x80 : seven);
    if (rest === 0) return Buffer.from(bytes);
  }
}

function packet(head: number, ...body: Uint8Array[]): Buffer {
  const whole = Buffer.concat(body);
  return Buffer.concat([Buffer.of(head), remainingLength(whole.length), whole]);
}

function number16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff);
}

function text(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([number16(bytes.length), bytes]);
}

/** CONNECT (section 3.1). */
export function connectPacket(options: {
  clientId: string;
  keepaliveSeconds?: number;
  will?: { topic: string; payload: string };
  /** 4 is MQTT 3.1.1; 3, under another name, MQTT 3.1. */
  level?: number;
}): Buffer {
  const { clientId, keepaliveSeconds = 30, will, level = 4 } = options;
  const flags = 0x02 | (will === undefined ? 0 : 0x04 | 0x08 | 0x20);
  const ends = will === undefined ? [] : [text(will.topic), text(will.payload)];
  return packet(
    0x10,
    text(level === 3 ? 'MQIsdp' : 'MQTT'),
    Buffer.of(level, flags),
    number16(keepaliveSeconds),
    text(clientId),
    ...ends,
  );
}

/** PUBLISH (section 3.3). */
export function publishPacket(options: {
  topic: string;
  payload: string | Uint8Array;
  qos?: 0 | 1 | 2 | 3;
  messageId?: number;
  retain?: boolean;
}): Buffer {
  const { topic, payload, qos = 1, messageId = 1, retain = false } = options;
  const id = qos === 0 ? Buffer.alloc(0) : number16(messageId);
  return packet(0x30 | (qos << 1) | (retain ? 1 : 0), text(topic), id, Buffer.from(payload));
}

/** SUBSCRIBE to one or more filters with QoS 0 (section 3.8). */
export function subscribePacket(...filters: string[]): Buffer {
  return packet(0x82, number16(7), ...filters.flatMap((filter) => [text(filter), Buffer.of(0)]));
}

/** A certificate and its key, PEM. */
export interface Proof {
  readonly privateKeyPem: string;
  readonly chainPem: string;
}

/** A TLS connection to the MQTT door, and every packet that came over it. */
export class MqttWire {
  readonly packets: Packet[] = [];
  readonly #socket: TLSSocket;
  #error: Error | undefined;
  #rest = Buffer.alloc(0);

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('error', (error) => {
      this.#error ??= error;
      // An alert while bytes wait to be sent leaves Node's socket open.
      socket.destroy();
    });
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
  }

  /** Connects as far as TLS goes: whether the cloud took the certificate shows only afterwards (TLS 1.3). */
  static async open(cloud: CloudProcess, proof?: Proof, port = cloud.mqttPort): Promise<MqttWire> {
    const socket = connect({
      host: 'localhost',
      port,
      ca: cloud.authorityPem,
      ...(proof && { key: proof.privateKeyPem, cert: proof.chainPem }),
    });
    const wire = new MqttWire(socket);
    await until(() => socket.authorized || socket.destroyed, { what: 'a TLS handshake' });
    return wire;
  }

  /** Connects and sends CONNECT; resolves with the CONNACK's return code. */
  static async connect(
    cloud: CloudProcess,
    proof: Proof | undefined,
    connect: Parameters<typeof connectPacket>[0],
  ) {
    const wire = await MqttWire.open(cloud, proof);
    wire.send(connectPacket(connect));
    const { body } = await wire.packet('connack');
    return { wire, returnCode: body[1] as number };
  }

  get closed(): boolean {
    return this.#socket.destroyed;
  }

  /** What went wrong, as TLS or the socket says it. */
  get error(): string | undefined {
    return this.#error?.message;
  }

  /** Bytes that the kernel has not taken yet. */
  get unsent(): number {
    return this.#socket.writableLength;
  }

  send(bytes: Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes);
  }

  all(type: keyof typeof packetTypes): Packet[] {
    return this.packets.filter((one) => one.type === packetTypes[type]);
  }

  /** Waits for the `count`th packet of a type. */
  async packet(type: keyof typeof packetTypes, count = 1): Promise<Packet> {
    return await until(
      () => {
        const found = this.all(type)[count - 1];
        if (found === undefined && this.closed)
          throw new Error(`closed before a ${type}: ${this.error ?? ''}`);
        return found;
      },
      { limitMs: 15_000, what: `${count} × ${type}` },
    );
  }

  /** The codes of the notices that came. */
  notices(): string[] {
    return this.all('publish').map(
      ({ body }) => JSON.parse(body.subarray(2 + body.readUInt16BE(0)).toString()).code,
    );
  }

  /** Waits until the cloud has closed the connection. */
  async ended(limitMs = 15_000): Promise<void> {
    await until(() => this.closed, { limitMs, what: 'the cloud to close the connection' });
  }

  /** Reads nothing more. */
  stall(): void {
    this.#socket.pause();
  }

  /** Ends it without a goodbye. */
  destroy(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (;;) {
      let length = 0;
      let at = 1;
      for (let scale = 1; ; scale *= 0x80) {
        const byte = this.#rest[at++];
        if (byte === undefined) return;
        length += (byte & 0x7f) * scale;
        if (byte < 0x80) break;
      }
      if (this.#rest.length < at + length) return;
      this.packets.push({ type: (this.#rest[0] as number) >> 4, body: this.#rest.subarray(at, at + length) });
      this.#rest = this.#rest.subarray(at + length);
    }
  }
}
