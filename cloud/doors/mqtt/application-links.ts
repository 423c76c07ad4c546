import { applicationNoticeTopic, limits } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import type { Authentications } from '../../audit/index.ts';
import type { Directory, Live } from '../../router/index.ts';
import type { Store } from '../../store/index.ts';
import type { Held, KeyHolders } from '../../tokens/index.ts';
import { ApplicationSession, type News } from './application-session.ts';
import type { Claim } from './claim.ts';
import { Link } from './link.ts';
import { alarmNews, eventsNews, readingsNews } from './news.ts';
import type { Admission, Arrival } from './session.ts';
import { byKey, byNothing } from './told.ts';

/** What the links of applications need of the cloud. */
export interface ApplicationParts {
  readonly directory: Directory;
  readonly live: Live;
  /** Goes up when somebody may do more or less than before. */
  readonly store: Pick<Store, 'changes'>;
  readonly keyHolders: KeyHolders;
  readonly authentications: Pick<Authentications, 'add'>;
  /** Told of messages that were left out, because a link did not take them in time. */
  readonly onSkipped: (messages: number) => void;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The links of one organisation, and the ends of what is followed for them. */
interface Listening {
  readonly sessions: Set<ApplicationSession>;
  readonly unfollow: readonly (() => void)[];
}

/** The links of applications, each proven by a key and its secret; a key may have several, by different client ids. */
export class ApplicationLinks {
  readonly #parts: ApplicationParts;
  readonly #sessions = new Set<ApplicationSession>();
  readonly #listening = new Map<string, Listening>();
  /** The store's count of changes after which every link was asked. */
  #asked = 0;
  /** Something changed while a link's key was being looked up. */
  #stale = false;
  #asking = false;

  constructor(parts: ApplicationParts) {
    this.#parts = parts;
  }

  async admit(arrival: Arrival, claim: Claim): Promise<Admission> {
    const { keyHolders, authentications, store, log } = this.#parts;
    const { source } = arrival;
    if (claim.kind !== 'application-key') {
      authentications.add(
        byNothing({ code: claim.kind === 'none' ? 'unauthenticated' : 'malformed', source }),
      );
      return { kind: 'refused', code: 'unauthenticated', returnCode: claim.kind === 'none' ? 5 : 4 };
    }
    const { key, secret, clientId } = claim;
    const asOf = store.changes;
    const held = await keyHolders.authenticate(key, secret, arrival);
    if (held === undefined) return { kind: 'refused', code: 'unauthenticated', returnCode: 5 };
    const { application, standing } = held.principal;
    const of = { id: key, organisation: standing.organisation.id };
    if (clientId === undefined) {
      authentications.add(byKey(of, { code: 'identity-mismatch', source }));
      return { kind: 'refused', code: 'identity-mismatch', returnCode: 2 };
    }
    if (arrival.connection.destroyed) return { kind: 'gone' };
    const ofKey = [...this.#sessions].filter(({ principal, link }) => principal.id === key && !link.ending);
    const older = ofKey.find((session) => session.clientId === clientId);
    if (older === undefined && ofKey.length >= limits.applicationLinks) {
      authentications.add(byKey(of, { code: 'too-many-links', source }));
      return { kind: 'refused', code: 'too-many-links', returnCode: 5 };
    }
    older?.link.takenOver();
    // Whatever changed while the key was looked up is asked after at the next look.
    if (asOf !== store.changes) this.#stale = true;
    const session = this.#open(arrival, held, clientId);
    authentications.add(byKey(of, { code: null, source }));
    log.info('application-connected', { key, application, organisation: of.organisation, clientId });
    return { kind: 'admitted', session };
  }

  gone(session: ApplicationSession, reason: string | undefined): void {
    const { id: key, application, standing } = session.principal;
    this.#sessions.delete(session);
    const { id } = standing.organisation;
    const listening = this.#listening.get(id);
    listening?.sessions.delete(session);
    if (listening?.sessions.size === 0) {
      for (const unfollow of listening.unfollow) unfollow();
      this.#listening.delete(id);
    }
    this.#parts.log.info('application-disconnected', {
      key,
      application,
      clientId: session.clientId,
      reason,
    });
  }

  /** To be called once a second. Links are asked again when something has changed; while nothing has, they cost nothing. */
  tick(): void {
    const now = this.#parts.now();
    for (const { expires, link } of this.#sessions) {
      if (expires !== null && expires <= now) link.end('credential-ended', 'this key has expired');
    }
    const isDue = this.#stale || this.#asked !== this.#parts.store.changes;
    if (isDue && !this.#asking) void this.#ask();
  }

  async #ask(): Promise<void> {
    const { keyHolders, store, log } = this.#parts;
    const asked = store.changes;
    const sessions = [...this.#sessions];
    this.#asking = true;
    this.#stale = false;
    try {
      const good = await keyHolders.again([...new Set(sessions.map(({ principal }) => principal.id))]);
      for (const session of sessions) {
        const held = good.get(session.principal.id);
        if (held === undefined) session.link.end('credential-ended', 'this key opens nothing any more');
        else session.renew(held);
      }
      this.#asked = asked;
    } catch (error) {
      // A store that cannot answer cannot say that they stand.
      log.error('applications-not-asked', { reason: (error as Error).message });
      for (const { link } of sessions)
        link.end('internal', 'the cloud cannot tell what this key opens; connect again');
    } finally {
      this.#asking = false;
    }
  }

  #open({ client, connection }: Arrival, held: Held, clientId: string): ApplicationSession {
    const { directory, onSkipped } = this.#parts;
    const organisation = held.principal.standing.organisation.id;
    const noticeTopic = applicationNoticeTopic(organisation);
    const link = new Link({ client, connection, noticeTopic, packetBytes: limits.applicationPacketBytes });
    const session = new ApplicationSession({ held, clientId, link, directory, onSkipped });
    this.#sessions.add(session);
    this.#listen(organisation).sessions.add(session);
    return session;
  }

  /** One follower for all links of an organisation: what is committed is put into words once. */
  #listen(id: string): Listening {
    const known = this.#listening.get(id);
    if (known !== undefined) return known;
    const { live, directory } = this.#parts;
    const sessions = new Set<ApplicationSession>();
    const tell = (news: readonly News[]) => {
      for (const session of sessions) session.tell(news);
    };
    const unfollow = [
      live.follow({ id }, (series) => tell(series.flatMap((one) => readingsNews(one, directory)))),
      live.followEvents({ id }, (events, skipped) => tell(eventsNews(events, skipped, directory))),
      live.followAlarms({ id }, (alarm) => tell(alarmNews(alarm, directory))),
    ];
    const listening = { sessions, unfollow };
    this.#listening.set(id, listening);
    return listening;
  }
}
