import { limits, parseTopic, type UpChannel, upChannels } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import type { GatewayPrincipal } from '../../access/index.ts';
import type { Directory, Router } from '../../router/index.ts';
import type { DownQueue } from './down-queue.ts';
import { downChannel, mayReceive } from './down-topics.ts';
import type { Link } from './link.ts';
import type { Published, SessionKind } from './session.ts';

/** A publish that has come and is not acknowledged yet. */
interface Pending {
  /** Milliseconds, monotonic. */
  readonly since: number;
  readonly bytes: number;
  /** Set once it is settled: tells the broker. */
  acknowledge?: () => void;
}

/** One gateway's link: what it has published that is not committed yet, and what it is still to be told. */
export class GatewaySession implements SessionKind {
  readonly kind = 'gateway';
  readonly principal: GatewayPrincipal;
  readonly link: Link;
  readonly down: DownQueue;
  readonly #directory: Directory;
  readonly #router: Pick<Router, 'deliver'>;
  readonly #log: Log;
  readonly #monotonic: () => number;
  /** In the order they came, in which they must be acknowledged too (MQTT 3.1.1, section 4.6). */
  readonly #pending: Pending[] = [];
  #pendingBytes = 0;
  #held = false;
  #draining = false;

  /** `monotonic`: ms. */
  constructor(parts: {
    principal: GatewayPrincipal;
    link: Link;
    down: DownQueue;
    directory: Directory;
    router: Pick<Router, 'deliver'>;
    log: Log;
    monotonic: () => number;
  }) {
    this.principal = parts.principal;
    this.link = parts.link;
    this.down = parts.down;
    this.#directory = parts.directory;
    this.#router = parts.router;
    this.#log = parts.log;
    this.#monotonic = parts.monotonic;
  }

  publish({ topic: name, qos, body }: Published, done: () => void): void {
    const { link, principal } = this;
    const topic = parseTopic(name);
    if (topic === undefined || !isUp(topic.channel) || qos > 1) {
      this.#log.warn('publish-refused', { gateway: principal.id, topic: name.slice(0, 200), qos });
      link.end('topic-forbidden', 'publish QoS 0 or 1 on the channels of your own subtree');
      return;
    }
    const pending = this.#began(body.length);
    const { gateway: device, channel } = topic;
    this.#router.deliver({ principal, device, channel, body }, (receipt) => {
      if (link.ending) return;
      switch (receipt.kind) {
        case 'answered':
          this.down.answer(receipt.answer);
          this.#settled(pending, done);
          return;
        case 'committed':
        case 'rejected':
          this.#settled(pending, done);
          return;
        case 'forbidden':
          this.#log.warn('delivery-forbidden', { gateway: principal.id, topic: name });
          // The same for every other gateway: who is there is not for this one to know.
          link.end('topic-forbidden', 'this certificate may not publish here');
          return;
        case 'failed':
          this.#log.error('delivery-not-committed', { gateway: principal.id, reason: receipt.message });
          link.end('internal', 'the delivery could not be committed and was not acknowledged');
      }
    });
  }

  subscribe(topic: string): boolean {
    return mayReceive(this.principal, topic, this.#directory);
  }

  subscribed(topic: string): void {
    const channel = downChannel(topic);
    if (channel !== undefined) this.down.subscribed(channel);
  }

  unsubscribed(topic: string): void {
    const channel = downChannel(topic);
    if (channel !== undefined) this.down.unsubscribed(channel);
  }

  /** Whether something that was read is not committed yet, or its PUBACK has not left. */
  get isSettling(): boolean {
    return this.#pending.length > 0;
  }

  /** Reads nothing more, for good. */
  drain(): void {
    this.#draining = true;
    this.link.connection.hold();
  }

  /** Ends it where a publish has waited for its commit for too long: a broker that waits answers no pings. */
  endIfOverdue(): void {
    const oldest = this.#pending[0];
    if (oldest === undefined || this.#monotonic() - oldest.since <= limits.commitMilliseconds) return;
    this.#log.error('commit-overdue', { gateway: this.principal.id });
    this.link.end('commit-timeout', 'the cloud could not commit in time; connect again and resend');
  }

  /** A publish has come; past limits.mqttPendingBytes nothing more is read until some are committed. */
  #began(bytes: number): Pending {
    const pending: Pending = { since: this.#monotonic(), bytes };
    this.#pending.push(pending);
    this.#pendingBytes += bytes;
    if (this.#pendingBytes > limits.mqttPendingBytes && !this.#held) {
      this.#held = true;
      this.link.connection.hold();
    }
    return pending;
  }

  /** A publish is settled: `acknowledge` is called once all before it are settled too, unless the link is ending. */
  #settled(pending: Pending, acknowledge: () => void): void {
    pending.acknowledge = acknowledge;
    for (let oldest = this.#pending[0]; oldest?.acknowledge !== undefined; oldest = this.#pending[0]) {
      this.#pending.shift();
      this.#pendingBytes -= oldest.bytes;
      if (!this.link.ending) oldest.acknowledge();
    }
    if (this.#held && this.#pendingBytes <= limits.mqttPendingBytes / 2) {
      this.#held = false;
      if (!this.#draining) this.link.connection.release();
    }
  }
}

function isUp(channel: string): channel is UpChannel {
  return (upChannels as readonly string[]).includes(channel);
}
