// First: it mends what MQTT.js writes its packets with.
import '../mqtt-packet/index.ts';

import type { TLSSocket } from 'node:tls';
import mqttClient from 'mqtt/lib/client';
import { writeToStream } from 'mqtt-packet';
import { limits } from '../contract/index.ts';
import type { Secret } from '../platform/index.ts';
import { askFirst, type Silence, watch } from './watch.ts';

// Not the package's front door: that one brings WebSockets and proxies along, 160 KB of them.
const MqttClient = mqttClient.default;
// A buffer of every number there is of two bytes: 9 MiB, for a few packets a second.
writeToStream.cacheNumbers = false;

export interface MqttLinkOptions {
  readonly clientId: string;
  /**
   * User name and password: the id of a key and its secret. Where a certificate says who it is, there is no password, and
   * the user name is for whatever else the far end is to know.
   */
  readonly login?: { readonly user: string; readonly password?: Secret };
  readonly keepaliveSeconds: number;
  /** Monotonic milliseconds. */
  readonly monotonic: () => number;
  /** Everything that comes down. */
  readonly onMessage: (topic: string, payload: Uint8Array) => void;
  /** What an error of the network, of TLS or of the CONNACK means, in words. */
  readonly explain: (error: Error) => string;
}

/** MQTT.js's own keepalive is put to rest: `watch.ts` says why. */
const noTimer = { set: () => 1, clear: () => {} };

interface UnderWay {
  /** Monotonic milliseconds; undefined where no answer is due. */
  readonly since: number | undefined;
  readonly settle: (error?: Error) => void;
}

/**
 * One MQTT 3.1.1 connection with a clean session, on a socket that stands. Used once, never reconnected: MQTT.js would
 * otherwise reconnect in step with everybody else and resend from a store of its own (one message a round trip, and some
 * lost when ids wrap). What is unacknowledged is its owner's to send again.
 */
export class MqttLink {
  /** Resolves with the reason when the link is gone, however it went. */
  readonly closed: Promise<string>;
  /** Resolves with the CONNACK; rejects with the reason when the link is gone before. */
  readonly connected: Promise<void>;
  readonly #options: MqttLinkOptions;
  readonly #socket: TLSSocket;
  readonly #client: InstanceType<typeof MqttClient>;
  /** Each publish under way, oldest first, with what to call when the link is gone: MQTT.js may never say. */
  readonly #underWay = new Set<UnderWay>();
  /** The first thing known to be wrong is the reason; what follows from it is not. */
  #reason: string | undefined;
  #heard: number;
  #sent: number;
  #asked: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: TLSSocket, options: MqttLinkOptions) {
    const { clientId, login, keepaliveSeconds, monotonic, onMessage, explain } = options;
    this.#options = options;
    this.#socket = socket;
    this.#heard = monotonic();
    this.#sent = this.#heard;
    this.#client = new MqttClient(() => socket, {
      clientId,
      ...(login && { username: login.user }),
      ...(login?.password && { password: login.password.reveal() }),
      clean: true,
      protocolVersion: 4,
      keepalive: keepaliveSeconds,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      connectTimeout: limits.connectMilliseconds,
      timerVariant: noTimer,
    });
    const { promise: closed, resolve: close } = Promise.withResolvers<string>();
    const { promise: connected, resolve: connect, reject: refuse } = Promise.withResolvers<void>();
    // Perhaps nobody asks.
    connected.catch(() => {});
    this.closed = closed;
    this.connected = connected;
    socket.on('data', () => {
      this.#heard = monotonic();
      this.#asked = undefined;
    });
    socket.on('error', (error) => this.lose(explain(error)));
    this.#client.on('error', (error) => this.lose(explain(error)));
    this.#client.on('message', onMessage);
    this.#client.once('close', () => {
      clearTimeout(this.#timer);
      const why = this.#reason ?? 'closed by the cloud';
      // Its timers and its list of unanswered publishes go with it.
      this.#client.end(true);
      const gone = new Error(why);
      for (const { settle } of this.#underWay) settle(gone);
      close(why);
      refuse(gone);
    });
    this.#client.once('connect', () => {
      this.#look();
      connect();
    });
  }

  /** Whether nothing more can be sent on it. */
  get isGone(): boolean {
    return this.#socket.destroyed;
  }

  /** Takes this as the reason for its end, should it end without a better one. */
  blame(why: string): void {
    this.#reason ??= why;
  }

  /** Ends it at once. */
  lose(why: string): void {
    this.blame(why);
    this.#socket.destroy();
  }

  /** Resolves when the far end grants it; rejects where it does not. */
  subscribe(topic: string, qos: 0 | 1): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#client.subscribe(topic, { qos }, (error) => (error ? reject(error) : resolve()));
    });
  }

  /**
   * Publishes. With QoS 1 it resolves with the PUBACK and only with it, with QoS 0 when it has been sent; it rejects when
   * the link is lost before.
   */
  async publish(topic: string, payload: Buffer, qos: 0 | 1): Promise<void> {
    if (this.isGone) throw new Error(this.#reason ?? 'the link is gone');
    const now = this.#options.monotonic();
    if (askFirst(this.#silence(), now)) this.#ask(now);
    this.#sent = now;
    await new Promise<void>((resolve, reject) => {
      const publish: UnderWay = {
        since: qos === 0 ? undefined : now,
        settle: (error) => {
          this.#underWay.delete(publish);
          // MQTT.js may say so first, without knowing why.
          if (error) reject(new Error(this.#reason ?? error.message));
          else resolve();
        },
      };
      const first = qos !== 0 && this.#unansweredSince() === undefined;
      this.#underWay.add(publish);
      this.#client.publish(topic, payload, { qos }, publish.settle);
      // An answer is due now, perhaps before the next look.
      if (first) this.#look();
    });
  }

  /** Says goodbye (DISCONNECT) and closes. */
  async close(why: string): Promise<void> {
    this.blame(why);
    this.#client.end();
    const force = setTimeout(() => this.#socket.destroy(), 1000);
    await this.closed;
    clearTimeout(force);
  }

  #silence(): Silence {
    return { heard: this.#heard, sent: this.#sent, asked: this.#asked, unanswered: this.#unansweredSince() };
  }

  /** When the oldest publish was sent that an answer is due to. */
  #unansweredSince(): number | undefined {
    for (const { since } of this.#underWay) if (since !== undefined) return since;
    return undefined;
  }

  /** Sleeps until there could be something to do about a silence; what happens meanwhile only puts that off. */
  #look(): void {
    clearTimeout(this.#timer);
    if (this.#socket.destroyed) return;
    const now = this.#options.monotonic();
    const verdict = watch(this.#silence(), now, this.#options.keepaliveSeconds * 1000);
    switch (verdict.kind) {
      case 'lost':
        this.lose(verdict.reason);
        return;
      case 'ask':
        this.#ask(now);
        return;
      case 'wait':
        this.#timer = setTimeout(() => this.#look(), Math.max(1, Math.ceil(verdict.until - now)));
        return;
    }
  }

  #ask(now: number): void {
    this.#client.sendPing();
    this.#sent = now;
    // A question behind a publish may have to wait for its commit.
    if (this.#unansweredSince() === undefined) this.#asked ??= now;
    this.#look();
  }
}
