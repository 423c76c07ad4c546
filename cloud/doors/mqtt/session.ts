import { type Code, gatewayTopic, limits, type NoticeMessage } from '@loadline/sdk/contract';
import type { Client } from 'aedes';
import { generate, type IPublishPacket } from 'mqtt-packet';
import type { GatewayPrincipal } from '../../access/index.ts';
import type { DownQueue } from './down-queue.ts';
import { type GuardedConnection, noticeMilliseconds } from './guarded-connection.ts';

/** A publish that has come and is not acknowledged yet. */
export interface Pending {
  /** Milliseconds, monotonic. */
  readonly since: number;
  readonly bytes: number;
  /** Set once it is settled: tells the broker. */
  acknowledge?: () => void;
}

/** One gateway's connection, from its CONNECT to its end, and what it has published that is not committed yet. */
export class MqttSession {
  readonly principal: GatewayPrincipal;
  /** What this link is still to be told. */
  readonly down: DownQueue;
  readonly #client: Client;
  readonly #connection: GuardedConnection;
  /** In the order they came, in which they must be acknowledged too (MQTT 3.1.1, section 4.6). */
  readonly #pending: Pending[] = [];
  #pendingBytes = 0;
  #held = false;
  #ending = false;

  constructor(parts: {
    principal: GatewayPrincipal;
    down: DownQueue;
    client: Client;
    connection: GuardedConnection;
  }) {
    this.principal = parts.principal;
    this.down = parts.down;
    this.#client = parts.client;
    this.#connection = parts.connection;
  }

  /** A publish has come; past limits.mqttPendingBytes nothing more is read until some are committed. */
  began(bytes: number, now: number): Pending {
    const pending: Pending = { since: now, bytes };
    this.#pending.push(pending);
    this.#pendingBytes += bytes;
    if (this.#pendingBytes > limits.mqttPendingBytes && !this.#held) {
      this.#held = true;
      this.#connection.hold();
    }
    return pending;
  }

  /** A publish is settled: `acknowledge` is called once all before it are settled too, unless the link is ending. */
  settled(pending: Pending, acknowledge: () => void): void {
    pending.acknowledge = acknowledge;
    for (let oldest = this.#pending[0]; oldest?.acknowledge !== undefined; oldest = this.#pending[0]) {
      this.#pending.shift();
      this.#pendingBytes -= oldest.bytes;
      if (!this.#ending) oldest.acknowledge();
    }
    if (this.#held && this.#pendingBytes <= limits.mqttPendingBytes / 2) {
      this.#held = false;
      this.#connection.release();
    }
  }

  /** Whether a publish has waited for its commit for too long: a broker that waits answers no pings. */
  isOverdue(now: number): boolean {
    const oldest = this.#pending[0];
    return oldest !== undefined && now - oldest.since > limits.commitMilliseconds;
  }

  /** Tells the gateway why, and closes the link; nothing more is acknowledged on it. */
  end(code: Code, detail: string): void {
    if (this.#ending) return;
    this.#ending = true;
    const close = () => this.#client.close();
    const timer = setTimeout(close, noticeMilliseconds);
    this.#client.publish(this.#notice(code, detail), () => {
      clearTimeout(timer);
      close();
    });
  }

  /** The broker is about to give the link up, and sends nothing any more: the notice goes past it. */
  endedByBroker(code: Code, detail: string): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#connection.lastWord(generate(this.#notice(code, detail)));
  }

  /** Whether the link is being closed: what arrives now is neither taken in nor acknowledged. */
  get ending(): boolean {
    return this.#ending;
  }

  #notice(code: Code, detail: string): IPublishPacket {
    const notice: NoticeMessage = { code, detail };
    return {
      cmd: 'publish',
      topic: gatewayTopic(this.principal.id, 'notice'),
      payload: JSON.stringify(notice),
      qos: 0,
      retain: false,
      dup: false,
    };
  }
}
