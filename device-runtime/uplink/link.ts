import type { TLSSocket } from 'node:tls';
import {
  type DownChannel,
  downChannels,
  gatewayTopic,
  limits,
  noticeMessage,
  type UpChannel,
} from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import mqttClient from 'mqtt/lib/client';
import { writeToStream } from 'mqtt-packet';
import type { Time } from '../clock/index.ts';
import type { ProxyConfig } from './proxy.ts';
import { at, explain } from './reasons.ts';
import { connectSecure } from './secure.ts';
import { askFirst, type Silence, watch } from './watch.ts';

// Not the package's front door: that one brings WebSockets and proxies along, 160 KB of them.
const MqttClient = mqttClient.default;
// A buffer of every number there is of two bytes: 9 MiB, for a few packets a second.
writeToStream.cacheNumbers = false;

/** One connection to the cloud. Made connected, used once, never reconnected. */
export interface Link {
  /**
   * Publishes; resolves with the PUBACK and only with it, rejects when the link is lost before, or at once for what
   * the cloud would not take. `clock` goes without an answer (QoS 0): it resolves when it has been sent.
   */
  publish(channel: UpChannel, payload: Uint8Array | string): Promise<void>;
  /** Says goodbye (DISCONNECT) and closes. */
  close(): Promise<void>;
  /** Resolves with the reason when the link is gone, however it went. */
  readonly closed: Promise<string>;
}

export interface LinkOptions {
  readonly host: string;
  readonly port: number;
  readonly proxy?: ProxyConfig | undefined;
  readonly gatewayId: string;
  readonly keepaliveSeconds: number;
  /** The fleet's authority, the private key and the certificate with its chain, PEM. */
  readonly authorityPem: string;
  readonly privateKeyPem: string;
  readonly chainPem: string;
  /** What is known of the time: asked when the cloud's certificate is judged. */
  readonly time: () => Time;
  /** Monotonic milliseconds. */
  readonly monotonic: () => number;
  /** Everything that comes down, notices too. What it throws is logged, and harms nobody else. */
  readonly onMessage: (channel: DownChannel, payload: Uint8Array) => void;
  readonly log: Log;
  /** Ends the attempt to connect. */
  readonly signal: AbortSignal;
}

/** A command must not be lost on the way; of the rest, a newer one says more than an older one sent again. */
const downQos: Readonly<Record<DownChannel, 0 | 1>> = { notice: 0, desired: 1, command: 1, time: 0 };

/** The question for the time is of no use later: it is asked again. */
const upQos: Readonly<Record<UpChannel, 0 | 1>> = {
  telemetry: 1,
  health: 1,
  reported: 1,
  result: 1,
  clock: 0,
};

/** MQTT.js's own keepalive is put to rest: `watch.ts` says why. */
const noTimer = { set: () => 1, clear: () => {} };

/**
 * Connects over TLS with the gateway's certificate, as MQTT 3.1.1 with a clean session. A fresh client each time:
 * MQTT.js would otherwise reconnect in step with the whole fleet and resend from a store of its own
 * (`field notes`: one message a round trip, and some lost when ids wrap). What is unacknowledged is the journal's.
 *
 * @throws Error when there is no CONNACK within `limits.connectMilliseconds`, with the reason in words.
 */
export async function connectLink(options: LinkOptions): Promise<Link> {
  const late = new AbortController();
  const patience = setTimeout(
    () => late.abort(new Error(`no answer from ${at(options)} within ${limits.connectMilliseconds} ms`)),
    limits.connectMilliseconds,
  );
  const signal = AbortSignal.any([options.signal, late.signal]);
  try {
    const socket = await connectSecure({
      ...options,
      client: options,
      time: options.time(),
      protocol: 'mqtt',
      signal,
    });
    socket.setNoDelay(true);
    const link = new MqttLink(options, socket);
    const abort = (): void => link.lose((signal.reason as Error).message);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    try {
      await link.connected;
    } finally {
      signal.removeEventListener('abort', abort);
    }
    return link;
  } finally {
    clearTimeout(patience);
  }
}

interface UnderWay {
  /** Monotonic milliseconds; undefined where no answer is due. */
  readonly since: number | undefined;
  readonly settle: (error?: Error) => void;
}

class MqttLink implements Link {
  readonly closed: Promise<string>;
  /** Resolves with the CONNACK. */
  readonly connected: Promise<void>;
  readonly #options: LinkOptions;
  readonly #socket: TLSSocket;
  readonly #client: InstanceType<typeof MqttClient>;
  /** Resolves once the cloud says that answers to the question for the time will be heard. */
  readonly #answerable = Promise.withResolvers<void>();
  /** Each publish under way, oldest first, with what to call when the link is gone: MQTT.js may never say. */
  readonly #underWay = new Set<UnderWay>();
  /** The first thing known to be wrong is the reason; what follows from it is not. */
  #reason: string | undefined;
  #heard: number;
  #sent: number;
  #asked: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LinkOptions, socket: TLSSocket) {
    this.#options = options;
    this.#socket = socket;
    this.#heard = options.monotonic();
    this.#sent = this.#heard;
    this.#client = new MqttClient(() => socket, {
      clientId: options.gatewayId,
      clean: true,
      protocolVersion: 4,
      keepalive: options.keepaliveSeconds,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      connectTimeout: limits.connectMilliseconds,
      timerVariant: noTimer,
    });
    const { promise: closed, resolve: close } = Promise.withResolvers<string>();
    const { promise: connected, resolve: connect, reject: refuse } = Promise.withResolvers<void>();
    // Perhaps nobody asks.
    this.#answerable.promise.catch(() => {});
    this.closed = closed;
    this.connected = connected;
    socket.on('data', () => {
      this.#heard = options.monotonic();
      this.#asked = undefined;
    });
    socket.on('error', (error) => this.lose(explain(error, options)));
    this.#client.on('error', (error) => this.lose(explain(error, options)));
    this.#client.on('message', (topic, payload) => this.#received(topic, payload));
    this.#client.once('close', () => {
      clearTimeout(this.#timer);
      const why = this.#reason ?? 'closed by the cloud';
      // Its timers and its list of unanswered publishes go with it.
      this.#client.end(true);
      const gone = new Error(why);
      for (const { settle } of this.#underWay) settle(gone);
      close(why);
      refuse(gone);
      this.#answerable.reject(gone);
    });
    this.#client.once('connect', () => {
      this.#subscribe();
      this.#look();
      connect();
    });
  }

  lose(why: string): void {
    this.#reason ??= why;
    this.#socket.destroy();
  }

  async publish(channel: UpChannel, payload: Uint8Array | string): Promise<void> {
    const body =
      typeof payload === 'string'
        ? Buffer.from(payload)
        : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    const most = channel === 'telemetry' ? limits.batchBytes : limits.messageBytes;
    // The cloud would end the link over it, and the next one, for ever.
    if (body.length > most)
      throw new Error(`${channel}: ${body.length} bytes, and at most ${most} are taken`);
    // Asked before, the cloud would have nobody to answer, and the time would come half a minute later.
    if (channel === 'clock') await this.#answerable.promise;
    if (this.#socket.destroyed) throw new Error(this.#reason ?? 'the link is gone');
    const now = this.#options.monotonic();
    if (askFirst(this.#silence(), now)) this.#ask(now);
    this.#sent = now;
    const topic = gatewayTopic(this.#options.gatewayId, channel);
    const qos = upQos[channel];
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
      this.#client.publish(topic, body, { qos }, publish.settle);
      // An answer is due now, perhaps before the next look.
      if (first) this.#look();
    });
  }

  async close(): Promise<void> {
    this.#reason ??= 'closed by this gateway';
    this.#client.end();
    const force = setTimeout(() => this.#socket.destroy(), 1000);
    await this.closed;
    clearTimeout(force);
  }

  #subscribe(): void {
    const { gatewayId } = this.#options;
    for (const channel of downChannels) {
      this.#client.subscribe(gatewayTopic(gatewayId, channel), { qos: downQos[channel] }, (error) => {
        if (error) this.lose(`the cloud refuses ${channel}: ${error.message}`);
        else if (channel === 'time') this.#answerable.resolve();
      });
    }
  }

  #received(topic: string, payload: Uint8Array): void {
    const channel = downChannels.find((each) => gatewayTopic(this.#options.gatewayId, each) === topic);
    if (channel === undefined) return;
    if (channel === 'notice') this.#reason ??= saidBy(payload);
    try {
      this.#options.onMessage(channel, payload);
    } catch (error) {
      this.#options.log.error('message-failed', { channel, reason: (error as Error).message });
    }
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

/** What a notice says; undefined for one that says nothing the contract knows. */
function saidBy(payload: Uint8Array): string | undefined {
  try {
    const { code, detail } = noticeMessage.parse(JSON.parse(Buffer.from(payload).toString('utf8')));
    return `the cloud said ${code}: ${detail}`;
  } catch {
    return undefined;
  }
}
