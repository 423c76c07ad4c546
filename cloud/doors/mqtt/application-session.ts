import {
  type ApplicationChannel,
  applicationNoticeTopic,
  applicationTopic,
  limits,
} from '@loadline/sdk/contract';
import { type ApplicationPrincipal, may } from '../../access/index.ts';
import {
  type Device,
  type Directory,
  type LiveEvent,
  type LiveSeries,
  Owed,
  resourceOf,
} from '../../router/index.ts';
import type { Held } from '../../tokens/index.ts';
import type { Link } from './link.ts';
import { eventsNews, readingsNews } from './news.ts';
import type { SessionKind } from './session.ts';
import { applicationFilter, covers, filterLevels } from './topic-filter.ts';

/** What opens each channel: an alarm is something that happened to a device. */
const scopes = { readings: 'live.get', events: 'events.get', alarms: 'events.get' } as const satisfies Record<
  ApplicationChannel,
  string
>;

/** Something that was committed, on its way to whoever follows it. */
export type News = { readonly device: Device; readonly payload: () => string } & (
  | { readonly channel: 'readings'; readonly series: LiveSeries }
  | { readonly channel: 'events'; readonly events: readonly LiveEvent[] }
  | { readonly channel: 'alarms' }
);

/** One link of an application: what it follows, and what it may. It listens, and says nothing. */
export class ApplicationSession implements SessionKind {
  readonly kind = 'application';
  readonly link: Link;
  /** The client id it chose, unique among the links of its key. */
  readonly clientId: string;
  readonly #directory: Directory;
  readonly #filters = new Map<string, readonly string[]>();
  #held: Held;
  /** What the link did not take: told when it goes on, and what comes meanwhile is owed too. */
  readonly #owed = new Owed();
  /** Messages left out since it was last told of that. */
  #skipped = 0;
  readonly #onSkipped: (messages: number) => void;

  /** `onSkipped` is told of messages that are left out. */
  constructor(parts: {
    held: Held;
    clientId: string;
    link: Link;
    directory: Directory;
    onSkipped: (messages: number) => void;
  }) {
    this.#held = parts.held;
    this.clientId = parts.clientId;
    this.link = parts.link;
    this.#directory = parts.directory;
    this.#onSkipped = parts.onSkipped;
    this.link.onTaken(() => this.#catchUp());
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
   * the link has not taken what went before is owed: of each series the newest reading, of events the newest few.
   */
  tell(news: readonly News[]): void {
    if (this.#filters.size === 0 || this.link.ending) return;
    const isBehind = this.#skipped > 0 || this.link.untaken > limits.applicationUntakenBytes;
    for (const one of news) {
      if (!this.#follows(one)) continue;
      // They are few, and none makes another one needless: they are not owed.
      const isOwed = isBehind && one.channel !== 'alarms';
      if (isOwed || this.link.untaken > limits.applicationBurstBytes) this.#owe(one);
      else this.#send(one);
    }
  }

  #send({ device, channel, payload }: News): void {
    this.link.send(applicationTopic(device.organisation.id, device.id, channel), payload());
  }

  #owe(news: News): void {
    this.#skipped += 1;
    this.#onSkipped(1);
    if (news.channel === 'alarms') return;
    if (news.channel === 'events') this.#owed.addEvents(news.events);
    else if (!this.#owed.addReadings(news.series)) {
      this.link.end(
        'messages-skipped',
        `of more than ${limits.liveSeriesOwed} series something was left out`,
      );
    }
  }

  /** Once the link has taken half of what it may leave, it hears what it was not told, as far as it still may. */
  #catchUp(): void {
    if (this.#skipped === 0 || this.link.ending) return;
    if (this.link.untaken > limits.applicationUntakenBytes / 2) return;
    const detail = `${this.#skipped} messages were left out: the link was full; what is newest follows`;
    this.#skipped = 0;
    this.link.notify('messages-skipped', detail);
    const { series, events, eventsSkipped } = this.#owed.take();
    const news = [
      ...series.flatMap((one) => readingsNews(one, this.#directory)),
      ...eventsNews(events, eventsSkipped, this.#directory),
    ];
    for (const one of news) if (this.#follows(one)) this.#send(one);
  }

  #follows(news: News): boolean {
    const { device, channel } = news;
    const tag = news.channel === 'readings' ? news.series.tag : undefined;
    const levels = ['devices', device.id, channel];
    if (![...this.#filters.values()].some((filter) => covers(filter, levels))) return false;
    if (!this.#mayFollow(levels)) return false;
    // Events and alarms are of whole devices: who may see some tags only does not hear of them.
    if (channel !== 'readings' && this.principal.standing.reach.tags !== null) return false;
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
