import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { gatewayTopic } from '@loadline/sdk/contract';
import { encodeBatch, type Reading } from '@loadline/sdk/telemetry';
import { generate } from 'mqtt-packet';
import type { GatewayIdentity } from '../system/mqtt-gateway.ts';
import type { JsonReading } from './stack-subscriber.ts';

/** What is in each message: `readings` of each of `series` series. */
export interface Shape {
  readonly series: number;
  readonly readings: number;
}

/** Those that are measured. */
export const shapes: readonly Shape[] = [
  { series: 1, readings: 100 },
  { series: 100, readings: 1 },
  { series: 100, readings: 10 },
];

/** How readings are written: as Loadline's batches, or as users write JSON to a topic of their own. */
export type Form = 'batch' | 'json';

const connack = 0x20;
const puback = 0x40;
const acknowledgementBytes = 4;

/**
 * A gateway that is as cheap as one can be, so that the load it makes takes little of the machine: its PUBLISH
 * packets are encoded beforehand, each with readings of its own and the next numbers, and acknowledgements are counted.
 * MQTT.js takes more than three times as much CPU for a message: 72 µs against 20 µs with twenty in flight.
 */
export class LoadGateway {
  readonly #identity: GatewayIdentity;
  readonly #shape: Shape;
  readonly #form: Form;
  readonly #start = Date.now();
  readonly #socket: TLSSocket;
  readonly #epoch = randomBytes(16).toString('hex');
  readonly #boot = randomBytes(16).toString('hex');
  readonly #readings: Reading[];
  #number = 1;
  #monotonic = 0;
  #messageId = 0;
  #queue: Buffer[] = [];
  #sent = 0;
  #rest = 0;
  #onAcknowledged: (count: number) => void = () => undefined;

  private constructor(identity: GatewayIdentity, shape: Shape, form: Form, socket: TLSSocket) {
    this.#identity = identity;
    this.#shape = shape;
    this.#form = form;
    this.#socket = socket;
    // Used again for every message: only times and values change.
    this.#readings = Array.from({ length: shape.series * shape.readings }, (_, index) => ({
      kind: 'reading',
      port: 'radio',
      base: 1,
      tag: 0x1000 + (index % shape.series),
      aspect: 'heard',
      calibration: undefined,
      monotonic: 0,
      value: { type: 'float32', value: 0 },
      flags: 0x20,
      status: 0,
      quality: { kind: 'radio', rssi: 0xf0 + (index % 7), cv: 0xe0 + (index % 5) },
    }));
    socket.on('data', (bytes: Buffer) => this.#read(bytes));
    socket.on('error', (error) => {
      throw error;
    });
  }

  /** Connects to the MQTT door on localhost, or a broker; where it sends batches, delivers the anchor of its epoch. */
  static async connect(
    port: number,
    identity: GatewayIdentity,
    shape: Shape,
    form: Form,
  ): Promise<LoadGateway> {
    const { id: clientId, authorityPem: ca, privateKeyPem: key, chainPem: cert } = identity;
    const socket = connect({ host: '127.0.0.1', servername: 'localhost', port, ca, key, cert });
    socket.setNoDelay(true);
    await once(socket, 'secureConnect');
    const welcome = once(socket, 'data');
    socket.write(generate({ cmd: 'connect', clientId, clean: true, protocolVersion: 4, keepalive: 60 }));
    const [answer] = (await welcome) as [Buffer];
    if (answer[0] !== connack || answer[3] !== 0) {
      throw new Error(`${clientId} was refused: ${answer.toString('hex')}`);
    }
    const gateway = new LoadGateway(identity, shape, form, socket);
    if (form === 'json') return gateway;
    const wall = Date.now();
    gateway.#append(
      encodeBatch(gateway.#header(), [{ kind: 'anchor', monotonic: 0, wall, uncertainty: 0 }]),
      1,
    );
    await new Promise<void>((resolve) => gateway.start(1, () => resolve()));
    return gateway;
  }

  /** Messages encoded and not yet sent. */
  get waiting(): number {
    return this.#queue.length - this.#sent;
  }

  /** Encodes messages until `count` are waiting. */
  prepare(count: number): void {
    this.#queue = this.#queue.slice(this.#sent);
    this.#sent = 0;
    while (this.#queue.length < count) this.#append(this.#encode(), this.#readings.length);
  }

  /** Sends `count` messages; `onAcknowledged` hears how many more are committed, and may send more. */
  start(count: number, onAcknowledged: (count: number) => void): void {
    this.#onAcknowledged = onAcknowledged;
    this.send(count);
  }

  /** Sends the next `count` messages in one write, or what there is. */
  send(count: number): void {
    const next = this.#queue.slice(this.#sent, this.#sent + count);
    if (next.length === 0) return;
    this.#sent += next.length;
    this.#socket.write(next.length === 1 ? (next[0] as Buffer) : Buffer.concat(next));
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    for (let at = this.#rest; at < bytes.length; at += acknowledgementBytes) {
      if (bytes[at] !== puback)
        throw new Error(`${this.#identity.id}: not a PUBACK: ${bytes.toString('latin1')}`);
    }
    const whole = Math.floor((bytes.length - this.#rest + acknowledgementBytes - 1) / acknowledgementBytes);
    this.#rest = this.#rest + whole * acknowledgementBytes - bytes.length;
    this.#onAcknowledged(whole);
  }

  #header() {
    const [epoch, boot, first] = [this.#epoch, this.#boot, this.#number];
    return { epoch, parent: undefined, boot, oldest: first, first, dropped: [] };
  }

  #append(payload: Uint8Array, entries: number): void {
    this.#messageId = (this.#messageId % 0xffff) + 1;
    const { id } = this.#identity;
    const topic = this.#form === 'batch' ? gatewayTopic(id, 'telemetry') : `gw/${id}/telemetry`;
    const flags = { qos: 1, dup: false, retain: false } as const;
    const { buffer, byteOffset, byteLength } = payload;
    const body = Buffer.from(buffer, byteOffset, byteLength);
    this.#queue.push(
      generate({ cmd: 'publish', topic, payload: body, messageId: this.#messageId, ...flags }),
    );
    this.#number += entries;
  }

  /** The next readings: every series a slow wave with noise on it, a sample every 10 ms. */
  #encode(): Uint8Array {
    const { series } = this.#shape;
    this.#readings.forEach((reading, index) => {
      const wave = Math.sin(this.#monotonic / 20_000 + (index % series));
      const changed = reading as { monotonic: number; value: { value: number } };
      changed.monotonic = this.#monotonic + 10 * Math.floor(index / series);
      changed.value.value = Math.fround(10 + 5 * wave + Math.random() / 10);
    });
    const payload = this.#form === 'batch' ? encodeBatch(this.#header(), this.#readings) : this.#encodeJson();
    this.#monotonic += 10 * this.#shape.readings;
    return payload;
  }

  #encodeJson(): Uint8Array {
    const readings = this.#readings.map(({ tag, monotonic, value, quality }): JsonReading => {
      const { rssi, cv } = quality as { rssi: number; cv: number };
      // Of a float32 seven digits are worth something.
      const number = Number((value as { value: number }).value.toPrecision(7));
      return { sensor: tag.toString(16), time: this.#start + monotonic, value: number, rssi, cv };
    });
    return Buffer.from(JSON.stringify(readings));
  }
}
