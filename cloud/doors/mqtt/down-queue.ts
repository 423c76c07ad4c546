import { type ClockAnswer, type DownChannel, gatewayTopic } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import type { Client } from 'aedes';
import type { Downlink, DownNews } from '../../downlink/index.ts';
import type { GatewayUpdates } from '../../rollouts/index.ts';
import type { Device } from '../../router/index.ts';
import type { GuardedConnection } from './guarded-connection.ts';

/** Bytes that may lie unsent on a link before an answer that grows old is not worth adding. */
const unsentBytes = 64 * 1024;

/**
 * What one link is still to be told of its gateway's desired configuration, its commands, and the release it is to run. One message at a time: the
 * next is read from the store when the link has taken the last. The broker's own fan-out is not used, since a slow
 * subscriber fills its queues without bound.
 */
export class DownQueue {
  readonly #parts: {
    readonly gateway: Device;
    readonly client: Client;
    readonly connection: GuardedConnection;
    readonly downlink: Downlink;
    readonly updates: Pick<GatewayUpdates, 'message'>;
    readonly log: Log;
    readonly onSent: (bytes: number) => void;
  };
  readonly #subscribed = new Set<DownChannel>();
  readonly #due = new Set<DownNews | 'update'>();
  #working = false;
  /** The revision, and the commands that are still open, which were sent since the gateway subscribed. */
  #revision: string | undefined;
  #commands: ReadonlySet<string> = new Set();
  /** What it was told last that it is to run. */
  #update: string | undefined;

  constructor(parts: {
    gateway: Device;
    client: Client;
    connection: GuardedConnection;
    downlink: Downlink;
    updates: Pick<GatewayUpdates, 'message'>;
    log: Log;
    /** Told of each message, with the bytes of its payload. */
    onSent: (bytes: number) => void;
  }) {
    this.#parts = parts;
  }

  /** The gateway listens, for the first time or anew: it is told everything. */
  subscribed(channel: DownChannel): void {
    this.#subscribed.add(channel);
    if (channel === 'desired') this.#revision = undefined;
    if (channel === 'command') this.#commands = new Set();
    if (channel === 'update') this.#update = undefined;
    if (channel === 'desired' || channel === 'command' || channel === 'update') this.tell(channel);
  }

  unsubscribed(channel: DownChannel): void {
    this.#subscribed.delete(channel);
  }

  /** There may be something new. */
  tell(news: DownNews | 'update'): void {
    if (!this.#subscribed.has(news)) return;
    this.#due.add(news);
    void this.#work();
  }

  /** Answers a question for the time, unless the link is so full that the answer would come late. */
  answer(answer: ClockAnswer): void {
    if (!this.#subscribed.has('time') || this.#parts.connection.writableLength > unsentBytes) return;
    void this.#publish('time', JSON.stringify(answer), 0);
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    try {
      for (const news of this.#due) {
        this.#due.delete(news);
        if (news === 'desired') await this.#sendDesired();
        else if (news === 'command') await this.#sendCommands();
        else await this.#sendUpdate();
      }
    } catch (error) {
      // The store could not say; whoever failed there ends the process. The next link is told.
      const { gateway, log } = this.#parts;
      log.error('downlink-failed', { gateway: gateway.id, reason: (error as Error).message });
    } finally {
      this.#working = false;
    }
  }

  async #sendDesired(): Promise<void> {
    const { downlink, gateway } = this.#parts;
    const message = await downlink.desiredMessage(gateway);
    if (message === undefined || message.revision === this.#revision) return;
    if (!this.#listens('desired')) return;
    this.#revision = message.revision;
    await this.#publish('desired', message.text, 1);
  }

  async #sendCommands(): Promise<void> {
    const { downlink, gateway } = this.#parts;
    const messages = await downlink.commandMessages(gateway);
    const told = this.#commands;
    this.#commands = new Set(messages.map(({ id }) => id).filter((id) => told.has(id)));
    for (const { id, expires, text } of messages) {
      // The link may have taken its time with the one before.
      if (!this.#listens('command')) return;
      if (this.#commands.has(id) || !downlink.isOpen(expires)) continue;
      this.#commands = new Set([...this.#commands, id]);
      await this.#publish('command', text, 1);
      if (this.#listens('command')) await downlink.sent(gateway, id);
    }
  }

  async #sendUpdate(): Promise<void> {
    const { updates, gateway } = this.#parts;
    const text = JSON.stringify(await updates.message(gateway));
    if (text === this.#update || !this.#listens('update')) return;
    this.#update = text;
    await this.#publish('update', text, 1);
  }

  #listens(channel: DownChannel): boolean {
    return this.#subscribed.has(channel) && !this.#parts.connection.destroyed;
  }

  /** Resolves when the link has taken it, or is gone. */
  #publish(channel: DownChannel, payload: string, qos: 0 | 1): Promise<void> {
    const { client, gateway, onSent } = this.#parts;
    const topic = gatewayTopic(gateway.id, channel);
    onSent(payload.length);
    return new Promise((resolve) => {
      client.publish({ cmd: 'publish', topic, payload, qos, retain: false, dup: false }, () => resolve());
    });
  }
}
