import { deviceTopic, limits, noticeMessage } from '../../contract/index.ts';
import { MqttLink } from '../../mqtt/index.ts';
import type { Secret } from '../../platform/index.ts';
import { packOf } from './pack.ts';
import { openTls, type Place, whyNot } from './place.ts';
import {
  type Delivery,
  endedBy,
  failed,
  isLimit,
  type Outcome,
  refused,
  rejected,
  stored,
  type Transport,
} from './transport.ts';

/** Seconds of silence after which the cloud is asked whether it is there. */
const keepaliveSeconds = 30;

export interface MqttTransportParts {
  readonly place: Place;
  readonly device: string;
  readonly keyId: string;
  readonly secret: Secret;
  /** Told of limits that the cloud says while it holds a publish back. */
  readonly onLimited: (code: string, detail: string) => void;
}

/** What the cloud has said on `notice`. */
interface Notice {
  readonly code: string;
  readonly detail: string;
}

/**
 * SenML on `v1/dev/<device>/senml`, QoS 1. Every reading has its time, so that the cloud knows a resend by its bytes. The
 * link is made when there is something to deliver, and stands until it breaks.
 */
export class MqttTransport implements Transport {
  readonly #parts: MqttTransportParts;
  #link: MqttLink | undefined;
  /** Since the last publish began, or on the way to one. */
  #notice: Notice | undefined;
  /** Of those, one that only holds back; or ends the link, where time of connection is used up. */
  #limit: Notice | undefined;
  /** Return code of a CONNACK that says no. */
  #refusal: number | undefined;

  constructor(parts: MqttTransportParts) {
    this.#parts = parts;
  }

  async deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    this.#notice = undefined;
    this.#limit = undefined;
    this.#refusal = undefined;
    try {
      const link = await this.#standing(signal);
      const topic = deviceTopic(this.#parts.device, 'senml');
      const abort = () => link.lose('given up by this end');
      signal.addEventListener('abort', abort, { once: true });
      try {
        await link.publish(topic, packOf(delivery.readings), 1);
      } finally {
        signal.removeEventListener('abort', abort);
      }
    } catch (error) {
      return this.#outcomeOf(error as Error);
    }
    // MQTT 3.1.1 has no word for "rejected": the notice goes ahead of the PUBACK.
    const said = this.#notice as Notice | undefined;
    return said === undefined ? stored(delivery) : rejected(delivery, said.code, said.detail);
  }

  async close(): Promise<void> {
    await this.#link?.close('closed by this end');
  }

  /** Why it was not delivered. */
  #outcomeOf(error: Error): Outcome {
    const { device } = this.#parts;
    const said = this.#notice ?? this.#limit;
    if (said !== undefined) return endedBy(said.code, said.detail);
    switch (this.#refusal) {
      case undefined:
        return failed(error.message);
      case 2:
        return refused('identity-mismatch', `the key is not of the device ${device}`);
      case 4:
      case 5:
        return refused('unauthenticated', `the key opens nothing, or nothing any more, as ${device}`);
      default:
        return failed(`${error.message} (CONNACK ${this.#refusal})`);
    }
  }

  /** The link, made where there is none. */
  async #standing(signal: AbortSignal): Promise<MqttLink> {
    if (this.#link !== undefined && !this.#link.isGone) return this.#link;
    const { place, device, keyId, secret } = this.#parts;
    const socket = await openTls(place, 'mqtt', signal);
    const link = new MqttLink(socket, {
      clientId: device,
      login: { user: keyId, password: secret },
      keepaliveSeconds,
      monotonic: () => performance.now(),
      onMessage: (topic, payload) => this.#received(link, topic, payload),
      explain: (error) => {
        const { code } = error as { code?: unknown };
        if (typeof code === 'number') this.#refusal = code;
        return whyNot(error, place);
      },
    });
    const within = AbortSignal.any([signal, AbortSignal.timeout(limits.connectMilliseconds)]);
    const abort = () => link.lose(whyNot(within.reason as Error, place));
    if (within.aborted) abort();
    within.addEventListener('abort', abort, { once: true });
    try {
      await link.connected;
    } finally {
      within.removeEventListener('abort', abort);
    }
    this.#link = link;
    return link;
  }

  #received(link: MqttLink, topic: string, payload: Uint8Array): void {
    if (topic !== deviceTopic(this.#parts.device, 'notice')) return;
    const said = noticeMessage.safeParse(parseJson(Buffer.from(payload).toString('utf8'))).data;
    if (said === undefined) return;
    if (isLimit(said.code)) {
      this.#limit = said;
      this.#parts.onLimited(said.code, said.detail);
    } else {
      this.#notice = said;
    }
    link.blame(`the cloud said ${said.code}: ${said.detail}`);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
