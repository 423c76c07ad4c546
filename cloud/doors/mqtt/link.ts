import { type Code, limits, type NoticeMessage } from '@loadline/sdk/contract';
import { generate } from '@loadline/sdk/mqtt-packet';
import type { Client } from 'aedes';
import type { IPublishPacket } from 'mqtt-packet';
import type { Meter } from '../../limits/index.ts';
import { type GuardedConnection, noticeMilliseconds } from './guarded-connection.ts';
import { ShortWay } from './short-way.ts';

/** A connection whose other end is known: what it is told, and how it ends. */
export class Link {
  readonly client: Client;
  readonly connection: GuardedConnection;
  readonly #noticeTopic: string;
  #untaken = 0;
  #ending = false;
  #endCode: Code | undefined;
  #meter: Meter | undefined;
  #onTaken: () => void = () => {};

  /** `packetBytes`: the longest packet that may come on it. */
  constructor(parts: {
    client: Client;
    connection: GuardedConnection;
    noticeTopic: string;
    packetBytes: number;
  }) {
    const { packetBytes } = parts;
    this.client = parts.client;
    this.connection = parts.connection;
    this.#noticeTopic = parts.noticeTopic;
    this.connection.admit(packetBytes, () => {
      this.end('packet-too-large', `a packet may have ${packetBytes} bytes`);
    });
  }

  /** Counts and limits its session from now on. */
  measureBy(meter: Meter): void {
    this.#meter = meter;
  }

  get meter(): Meter | undefined {
    return this.#meter;
  }

  /** Whether the other end took its leave (DISCONNECT, MQTT 3.1.1, section 3.14). */
  get saidGoodbye(): boolean {
    // The broker has no word for it.
    return (this.client as { readonly _disconnected?: boolean })._disconnected === true;
  }

  /** Why it was ended from here; undefined where the other end did. */
  get endCode(): Code | undefined {
    return this.#endCode;
  }

  /**
   * Passes on nothing more for now; its pings are answered all the same, if `connection.tickSlowed` is called as often as
   * this says, in ms.
   */
  slow(): number {
    this.connection.slow(() => this.#heard());
    // It cuts after one and a half of the keepalive.
    const { _keepaliveInterval } = this.#broker;
    return (_keepaliveInterval ?? limits.mqttKeepaliveSeconds * 1000) / 3;
  }

  /** Has what it publishes with QoS 1 on one topic go past the broker; it is handed to `publish`, and acknowledged by `done`. */
  shorten(topic: string, publish: (body: Uint8Array, done: () => void) => void): void {
    const { connection } = this;
    const way = new ShortWay(topic, limits.mqttPacketBytes, (packetId, body) => {
      if (!this.#ending) publish(body, () => connection.acknowledge(packetId));
    });
    connection.shorten(way, () => this.#heard());
  }

  /** The broker hears nothing of this link for now, and would cut it: it has no word for that but its own timer. */
  #heard(): void {
    this.#broker._keepaliveTimer?.refresh();
  }

  get #broker(): { readonly _keepaliveTimer?: NodeJS.Timeout | null; readonly _keepaliveInterval?: number } {
    return this.client as object;
  }

  quicken(): void {
    this.connection.quicken();
  }

  /** Characters that were sent and that the link has not taken yet. */
  get untaken(): number {
    return this.#untaken;
  }

  /** Sends a message with QoS 0, past the broker's own fan-out: that fills its queues without bound. */
  send(topic: string, payload: string, onWritten: () => void = () => {}): void {
    this.#untaken += payload.length;
    this.#meter?.account.sent(payload.length);
    this.client.publish(messageOf(topic, payload), () => {
      this.#untaken -= payload.length;
      onWritten();
      this.#onTaken();
    });
  }

  /** Calls `listener` whenever the link has taken something. */
  onTaken(listener: () => void): void {
    this.#onTaken = listener;
  }

  /** The broker writes nothing at once: what is to stand behind the notice waits for `onWritten`. */
  notify(code: Code, detail: string, onWritten?: () => void): void {
    this.send(this.#noticeTopic, noticeOf(code, detail), onWritten);
  }

  /** Tells the other end why, and closes the link; nothing more is acknowledged on it. */
  end(code: Code, detail: string): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#endCode = code;
    const close = () => this.client.close();
    const timer = setTimeout(close, noticeMilliseconds);
    this.client.publish(messageOf(this.#noticeTopic, noticeOf(code, detail)), () => {
      clearTimeout(timer);
      close();
    });
  }

  /** The broker is about to give the link up, and sends nothing any more: the notice goes past it. */
  endedByBroker(code: Code, detail: string): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#endCode = code;
    this.connection.lastWord(generate(messageOf(this.#noticeTopic, noticeOf(code, detail))));
  }

  /** Another connection takes its place: the broker closes this one as soon as it knows that one. */
  takenOver(): void {
    this.endedByBroker('session-taken-over', 'the same identity connected again');
    setTimeout(() => this.client.close(), noticeMilliseconds);
  }

  /** Whether the link is being closed: what arrives now is neither taken in nor acknowledged. */
  get ending(): boolean {
    return this.#ending;
  }
}

function noticeOf(code: Code, detail: string): string {
  const notice: NoticeMessage = { code, detail };
  return JSON.stringify(notice);
}

function messageOf(topic: string, payload: string): IPublishPacket {
  return { cmd: 'publish', topic, payload, qos: 0, retain: false, dup: false };
}
