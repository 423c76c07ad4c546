import {
  type ApplicationChannel,
  applicationNoticeTopic,
  applicationTopic,
  limits,
} from '@loadline/sdk/contract';
import { type ApplicationPrincipal, may } from '../../access/index.ts';
import { type Device, type Directory, resourceOf } from '../../router/index.ts';
import type { Held } from '../../tokens/index.ts';
import type { Link } from './link.ts';
import type { SessionKind } from './session.ts';
import { applicationFilter, covers, filterLevels } from './topic-filter.ts';

/** What opens each channel. */
const scopes = { readings: 'live.get', events: 'events.get' } as const satisfies Record<
  ApplicationChannel,
  string
>;

/** Something that was committed, on its way to whoever follows it. */
export interface News {
  readonly device: Device;
  readonly channel: ApplicationChannel;
  /** Of readings: whose. */
  readonly tag: number | undefined;
  readonly payload: () => string;
}

/** One link of an application: what it follows, and what it may. It listens, and says nothing. */
export class ApplicationSession implements SessionKind {
  readonly kind = 'application';
  readonly link: Link;
  /** The client id it chose, unique among the links of its key. */
  readonly clientId: string;
  readonly #directory: Directory;
  readonly #filters = new Map<string, readonly string[]>();
  #held: Held;
  /** Messages left out since it was last told of that. */
  #skipped = 0;

  constructor(parts: { held: Held; clientId: string; link: Link; directory: Directory }) {
    this.#held = parts.held;
    this.clientId = parts.clientId;
    this.link = parts.link;
    this.#directory = parts.directory;
  }

  get principal(): ApplicationPrincipal {
    return this.#held.principal;
  }

  /** When its key ends by itself, ms since 1970; null: never. */
  get expires(): number | null {
    return this.#held.expires;
  }

  /** Its key opens this by now. Subscriptions stay: each message is asked for anew. */
  renew(held: Held): void {
    this.#held = held;
  }

  publish(): void {
    this.link.end('topic-forbidden', 'an application listens: it publishes nothing');
  }

  /** Within its organisation, covered by a filter of its key, and, where it names a device, one that the key reaches. */
  subscribe(topic: string): boolean {
    const { id } = this.principal.standing.organisation;
    const filter = applicationFilter(id, topic);
    const isNew = !this.#filters.has(topic);
    if (filter === undefined || (isNew && this.#filters.size >= limits.applicationSubscriptions))
      return false;
    if (topic !== applicationNoticeTopic(id) && !this.#mayFollow(filter)) return false;
    const [, device] = filter;
    if (device !== undefined && device !== '+' && device !== '#' && !this.#reaches(device)) return false;
    this.#filters.set(topic, filter);
    return true;
  }

  subscribed(): void {
    // What is committed reaches it from the moment it was granted.
  }

  unsubscribed(topic: string): void {
    this.#filters.delete(topic);
  }

  /**
   * Tells of what was committed, as far as it follows that and may. What comes at once is sent at once; what comes while
   * the link has not taken what went before is left out, and counted.
   */
  tell(news: readonly News[]): void {
    if (this.#filters.size === 0 || this.link.ending) return;
    const isBehind = this.link.untaken > limits.applicationUntakenBytes;
    for (const one of news) {
      if (!this.#follows(one)) continue;
      if (isBehind || this.link.untaken > limits.applicationBurstBytes) this.#skipped += 1;
      else this.#send(one);
    }
  }

  #send({ device, channel, payload }: News): void {
    if (this.#skipped > 0) {
      this.link.notify('messages-skipped', `${this.#skipped} messages were left out: the link was full`);
      this.#skipped = 0;
    }
    this.link.send(applicationTopic(device.organisation.id, device.id, channel), payload());
  }

  #follows({ device, channel, tag }: News): boolean {
    const levels = ['devices', device.id, channel];
    if (![...this.#filters.values()].some((filter) => covers(filter, levels))) return false;
    if (!this.#mayFollow(levels)) return false;
    // Events are of whole devices: who may see some tags only does not hear of them.
    if (channel === 'events' && this.principal.standing.reach.tags !== null) return false;
    return may(this.principal, scopes[channel], resourceOf(device, tag)).allowed;
  }

  #mayFollow(levels: readonly string[]): boolean {
    const { topics } = this.principal;
    return topics === null || topics.some((topic) => covers(filterLevels(topic) ?? [''], levels));
  }

  #reaches(id: string): boolean {
    const device = this.#directory.device(id);
    return device !== undefined && may(this.principal, scopes.readings, resourceOf(device)).allowed;
  }
}
