import type { TLSSocket } from 'node:tls';
import {
  type DownChannel,
  downChannels,
  epochUser,
  gatewayTopic,
  limits,
  type NoticeMessage,
  noticeMessage,
  type UpChannel,
} from '@loadline/sdk/contract';
import { MqttLink } from '@loadline/sdk/mqtt';
import type { Log } from '@loadline/sdk/platform';
import type { Time } from '../clock/index.ts';
import type { ProxyConfig } from './proxy.ts';
import { at, explain } from './reasons.ts';
import { connectSecure } from './secure.ts';

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
  /** Code of the last notice that came on it: why the cloud ends it. */
  readonly notice: string | undefined;
}

export interface LinkOptions {
  readonly host: string;
  readonly port: number;
  readonly proxy?: ProxyConfig | undefined;
  readonly gatewayId: string;
  /** Epoch of the journal, 32 hex digits: by it the cloud tells this process from another with the same identity. */
  readonly epoch: string;
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

/** The cloud, which was believed, took no link. */
export class LinkRefused extends Error {
  override readonly name = 'LinkRefused';
  /** Whether it said that we may not; otherwise it hung up, or was in trouble itself. */
  readonly isSaid: boolean;

  constructor(cause: Error, isSaid: boolean) {
    super(cause.message, { cause });
    this.isSaid = isSaid;
  }
}

/** Return code of a CONNACK: not authorised (MQTT 3.1.1, section 3.2.2.3). */
const notAuthorised = 5;

/** A command must not be lost on the way; of the rest, a newer one says more than an older one sent again. */
const downQos: Readonly<Record<DownChannel, 0 | 1>> = {
  notice: 0,
  desired: 1,
  command: 1,
  time: 0,
  update: 1,
};

/** The question for the time is of no use later: it is asked again. */
const upQos: Readonly<Record<UpChannel, 0 | 1>> = {
  telemetry: 1,
  health: 1,
  reported: 1,
  result: 1,
  clock: 0,
  updating: 1,
};

/**
 * Connects over TLS with the gateway's certificate, as MQTT 3.1.1 with a clean session. A fresh client each
 * time (`sdk/mqtt`): what is unacknowledged is the journal's.
 *
 * @throws Error when there is no CONNACK within `limits.connectMilliseconds`, with the reason in words; LinkRefused where
 *   it was the cloud that would not.
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
    const link = new GatewayLink(options, socket);
    const abort = (): void => link.lose((signal.reason as Error).message);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    try {
      await link.connected;
    } catch (error) {
      if (signal.aborted) throw error;
      throw new LinkRefused(error as Error, link.isForbidden);
    } finally {
      signal.removeEventListener('abort', abort);
    }
    return link;
  } finally {
    clearTimeout(patience);
  }
}

class GatewayLink implements Link {
  readonly #options: LinkOptions;
  readonly #link: MqttLink;
  /** Resolves once the cloud says that answers to the question for the time will be heard. */
  readonly #answerable = Promise.withResolvers<void>();
  /** Resolves once the cloud lets this gateway hear of updates: an older one does not know the word. */
  readonly #updatable = Promise.withResolvers<void>();
  #notice: string | undefined;
  /** Whether the cloud said, in place of taking the link, that we may not. */
  isForbidden = false;

  constructor(options: LinkOptions, socket: TLSSocket) {
    this.#options = options;
    this.#link = new MqttLink(socket, {
      clientId: options.gatewayId,
      login: { user: epochUser(options.epoch) },
      keepaliveSeconds: options.keepaliveSeconds,
      monotonic: options.monotonic,
      onMessage: (topic, payload) => this.#received(topic, payload),
      explain: (error) => {
        this.isForbidden ||= (error as { code?: unknown }).code === notAuthorised;
        return explain(error, options);
      },
    });
    // Perhaps nobody asks.
    for (const granted of [this.#answerable, this.#updatable]) {
      granted.promise.catch(() => {});
      void this.#link.closed.then((why) => granted.reject(new Error(why)));
    }
    void this.#link.connected.then(
      () => this.#subscribe(),
      () => {},
    );
  }

  get closed(): Promise<string> {
    return this.#link.closed;
  }

  get notice(): string | undefined {
    return this.#notice;
  }

  /** Resolves with the CONNACK. */
  get connected(): Promise<void> {
    return this.#link.connected;
  }

  lose(why: string): void {
    this.#link.lose(why);
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
    // One that does not know updates would end the link over it, and a new release with an old cloud would have no link.
    if (channel === 'updating') await this.#updatable.promise;
    await this.#link.publish(gatewayTopic(this.#options.gatewayId, channel), body, upQos[channel]);
  }

  async close(): Promise<void> {
    await this.#link.close('closed by this gateway');
  }

  #subscribe(): void {
    for (const channel of downChannels) {
      const granted = this.#link.subscribe(gatewayTopic(this.#options.gatewayId, channel), downQos[channel]);
      granted.then(
        () => {
          if (channel === 'time') this.#answerable.resolve();
          if (channel === 'update') this.#updatable.resolve();
        },
        (error: Error) => {
          const refused = new Error(`the cloud refuses ${channel}: ${error.message}`);
          if (channel === 'update') this.#updatable.reject(refused);
          else this.#link.lose(refused.message);
        },
      );
    }
  }

  #received(topic: string, payload: Uint8Array): void {
    const channel = downChannels.find((each) => gatewayTopic(this.#options.gatewayId, each) === topic);
    if (channel === undefined) return;
    if (channel === 'notice') {
      const said = saidBy(payload);
      if (said !== undefined) {
        this.#notice = said.code;
        this.#link.blame(`the cloud said ${said.code}: ${said.detail}`);
      }
    }
    try {
      this.#options.onMessage(channel, payload);
    } catch (error) {
      this.#options.log.error('message-failed', { channel, reason: (error as Error).message });
    }
  }
}

/** What a notice says; undefined for one that says nothing the contract knows. */
function saidBy(payload: Uint8Array): NoticeMessage | undefined {
  try {
    return noticeMessage.parse(JSON.parse(Buffer.from(payload).toString('utf8')));
  } catch {
    return undefined;
  }
}
