import { type Code, gatewayTopic, limits, type NoticeMessage } from '@loadline/sdk/contract';
import type { Client } from 'aedes';
import type { Principal } from '../../access/index.ts';
import type { GuardedConnection } from './guarded-connection.ts';

/** Milliseconds a notice is given to leave before the link is closed. */
const noticeMilliseconds = 500;

/** One gateway's connection, from its CONNECT to its end, and what it has published that is not committed yet. */
export class MqttSession {
  readonly principal: Extract<Principal, { kind: 'gateway' }>;
  readonly #client: Client;
  readonly #connection: GuardedConnection;
  /** When each publish under way came, in ms, oldest first: they settle in this order. */
  readonly #pending: { readonly since: number; readonly bytes: number }[] = [];
  #pendingBytes = 0;
  #held = false;
  #ending = false;

  constructor(principal: MqttSession['principal'], client: Client, connection: GuardedConnection) {
    this.principal = principal;
    this.#client = client;
    this.#connection = connection;
  }

  /** A publish has come; past limits.mqttPendingBytes nothing more is read until some are committed. */
  began(bytes: number, now: number): void {
    this.#pending.push({ since: now, bytes });
    this.#pendingBytes += bytes;
    if (this.#pendingBytes > limits.mqttPendingBytes && !this.#held) {
      this.#held = true;
      this.#connection.hold();
    }
  }

  /** The oldest publish has been settled. */
  settled(): void {
    this.#pendingBytes -= this.#pending.shift()?.bytes ?? 0;
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
    const notice: NoticeMessage = { code, detail };
    const close = () => this.#client.close();
    const timer = setTimeout(close, noticeMilliseconds);
    this.#client.publish(
      {
        cmd: 'publish',
        topic: gatewayTopic(this.principal.id, 'notice'),
        payload: JSON.stringify(notice),
        qos: 0,
        retain: false,
        dup: false,
      },
      () => {
        clearTimeout(timer);
        close();
      },
    );
  }

  /** Whether the link is being closed: what arrives now is neither taken in nor acknowledged. */
  get ending(): boolean {
    return this.#ending;
  }
}
