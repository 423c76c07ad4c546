import { randomUUID } from 'node:crypto';
import {
  type CommandBody,
  type CommandMessage,
  type DesiredMessage,
  limits,
  type ResultMessage,
} from '@loadline/sdk/contract';
import type { Device } from '../router/index.ts';
import { type AuditDraft, type CommandRow, type DesiredRow, type Store, step } from '../store/index.ts';
import { nextRevision } from './revision.ts';

/** What may be on its way down to a device. */
export type DownNews = 'desired' | 'command';

/** Tells that a device is to hear something new. */
export type DownListener = (device: string, news: DownNews) => void;

/** A command is waiting, on its way (`sent`), or has come to an end. */
export type CommandState = 'waiting' | 'sent' | ResultMessage['outcome'];

/** Attempts to find a revision that is newer than what somebody else has just written. */
const revisionAttempts = 5;

/**
 * What is to reach a device: the desired configuration and commands. They are kept in the store and nowhere else; a
 * door sends them when the device listens, and again when it listens again.
 */
export class Downlink {
  readonly #store: Store;
  readonly #now: () => number;
  #listener: DownListener = () => {};

  /** `now`: ms since 1970. */
  constructor(store: Store, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /** `listener` hears, after the commit, of everything new. There is one: the door that gateways are behind. */
  onNews(listener: DownListener): void {
    this.#listener = listener;
  }

  /**
   * Desires a configuration of a device; its revision. Undefined where the message would be longer than
   * limits.messageBytes.
   */
  async desire(
    device: Device,
    configuration: DesiredMessage['configuration'],
    { by, entry }: { by: string; entry: (revision: string) => AuditDraft },
  ): Promise<string | undefined> {
    for (let attempt = 0; attempt < revisionAttempts; attempt++) {
      const last = await this.desired(device);
      const at = this.#now();
      const revision = nextRevision(at, last?.revision);
      if (Buffer.byteLength(desiredText({ revision, configuration })) > limits.messageBytes) return undefined;
      const words = {
        device: device.number,
        revision,
        configuration: JSON.stringify(configuration),
        at,
        by,
      };
      const changed = await this.#store.change({
        steps: [step('setDesired', words, 'some')],
        audit: [entry(revision)],
      });
      if (!changed.done) continue;
      this.#listener(device.id, 'desired');
      return revision;
    }
    throw new Error(`the desired configuration of ${device.id} changes all the time`);
  }

  /** What a device is to be configured as; undefined where nobody has said. */
  desired({ number }: Device): Promise<DesiredRow | undefined> {
    return this.#store.read('desired', { device: number });
  }

  /** Gives a device a command; its id. Undefined where limits.commandsWaiting wait for it already. */
  async give(
    device: Device,
    order: { command: CommandBody; milliseconds: number; by: string; entry: (id: string) => AuditDraft },
  ): Promise<string | undefined> {
    const id = randomUUID();
    const at = this.#now();
    const { command, milliseconds, by, entry } = order;
    const expires = at + Math.min(milliseconds, limits.commandMilliseconds);
    const words = { device: device.number, id, command: JSON.stringify(command), at, expires, by };
    const changed = await this.#store.change({
      steps: [
        step('trimCommands', { device: device.number, at, kept: limits.commandsKept - 1 }),
        step('addCommand', { ...words, waiting: limits.commandsWaiting }, 'some'),
      ],
      audit: [entry(id)],
    });
    if (!changed.done) return undefined;
    this.#listener(device.id, 'command');
    return id;
  }

  /** The commands of a device, newest first. */
  commands({ number }: Device): Promise<CommandRow[]> {
    return this.#store.read('commands', { device: number });
  }

  command({ number }: Device, id: string): Promise<CommandRow | undefined> {
    return this.#store.read('command', { device: number, id });
  }

  /** What a command has come to. One that a device was sent and never answered has expired, like one it never saw. */
  stateOf({ outcome, expires, sent }: CommandRow): CommandState {
    if (outcome !== null) return outcome;
    if (expires <= this.#now()) return 'expired';
    return sent === null ? 'waiting' : 'sent';
  }

  /** The message of the desired configuration, and its revision; undefined where there is none. */
  async desiredMessage(device: Device): Promise<{ revision: string; text: string } | undefined> {
    const desired = await this.desired(device);
    return desired && { revision: desired.revision, text: desiredText(desired) };
  }

  /** The messages of the commands that have no result and have not expired, oldest first. */
  async commandMessages({ number }: Device): Promise<{ id: string; expires: number; text: string }[]> {
    const open = await this.#store.read('openCommands', { device: number, now: this.#now() });
    return open.map(({ id, expires, command }) => {
      const message: CommandMessage = { version: 1, id, expires, command };
      return { id, expires, text: JSON.stringify(message) };
    });
  }

  /** A command of that expiry may still be sent. */
  isOpen(expires: number): boolean {
    return expires > this.#now();
  }

  /** A command has been put on a link to its device. */
  async sent({ number }: Device, id: string): Promise<void> {
    const sent = step('setSent', { device: number, id, at: this.#now() });
    await this.#store.change({ steps: [sent], audit: [] });
  }
}

function desiredText({
  revision,
  configuration,
}: Pick<DesiredMessage, 'revision' | 'configuration'>): string {
  const message: DesiredMessage = { version: 1, revision, configuration };
  return JSON.stringify(message);
}
