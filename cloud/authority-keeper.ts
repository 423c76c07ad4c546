import type { Log } from '@loadline/sdk/platform';
import { type Authority, type ServerIdentity, warnDays } from './authority/index.ts';

const dayMilliseconds = 24 * 3_600_000;

/** Milliseconds between two looks at whether a ceremony has changed something: it is in force so soon. */
const lookMilliseconds = 2000;

/** Where the server's certificate is shown, and clients' are judged. */
interface Door {
  renew(identity: ServerIdentity, clientTrust: string): void;
}

interface KeeperParts {
  readonly authority: Pick<
    Authority,
    'issueServer' | 'clientTrust' | 'onChange' | 'refresh' | 'renew' | 'standing'
  >;
  readonly names: readonly string[];
  /** What the doors were opened with. */
  readonly shown: ServerIdentity;
  readonly doors: readonly Door[];
  readonly log: Log;
  /** Ends all that these issuers and roots (fingerprints) have issued: they are believed no more. */
  readonly endIssuedBy: (issuers: readonly string[]) => Promise<void>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Keeps the doors of a running cloud with its authority: what a ceremony has installed in the folder is in force within
 * lookMilliseconds; and once a day certificates in the last third of their life are renewed, as far as their issuer is here,
 * and it is said what a person must renew. A cloud that is never started again must not end with one that has expired.
 */
export class AuthorityKeeper {
  readonly #parts: KeeperParts;
  readonly #timers: readonly NodeJS.Timeout[];
  readonly #stopListening: () => void;
  #shown: ServerIdentity;
  /** Whether the doors do not show yet what the authority stands on, and whether its distrusted ones are to be ended. */
  #toShow = false;
  #toEnd = true;
  /** What is wrong with the folder, as it was said last: it is looked at too often to say it each time. */
  #trouble = '';
  /** One look after the other. */
  #looking: Promise<void> = Promise.resolve();

  private constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#shown = parts.shown;
    this.#stopListening = parts.authority.onChange(() => {
      this.#toShow = true;
      this.#toEnd = true;
    });
    this.#timers = [
      setInterval(() => void this.look(), lookMilliseconds).unref(),
      setInterval(() => void this.renew(), dayMilliseconds).unref(),
    ];
  }

  /** Begins, with a first look at what is to be renewed. */
  static async begin(parts: KeeperParts): Promise<AuthorityKeeper> {
    const keeper = new AuthorityKeeper(parts);
    const { root } = parts.authority.standing();
    if (root.isOnline) {
      parts.log.info('authority-root-online', {
        root: root.fingerprint,
        advice: 'the key of the root is in the state folder; docs/identity.md says how to take it offline',
      });
    }
    await keeper.renew();
    return keeper;
  }

  /** Takes up what has changed in the folder, and shows it. */
  look(): Promise<void> {
    return this.#inTurn(async () => {
      const { authority, log } = this.#parts;
      try {
        if (await authority.refresh()) log.info('authority-changed', { ...told(authority) });
        this.#trouble = '';
      } catch (error) {
        const { message: reason } = error as Error;
        if (reason !== this.#trouble) log.error('authority-not-taken-up', { reason });
        this.#trouble = reason;
      }
      if (this.#toEnd) await this.#endDistrusted();
      if (this.#toShow) await this.#show();
    });
  }

  /** Renews what it is time for, and says what it cannot renew. */
  renew(): Promise<void> {
    return this.#inTurn(async () => {
      const { authority, log } = this.#parts;
      try {
        if (await authority.renew()) log.info('authority-renewed', { ...told(authority) });
      } catch (error) {
        log.error('authority-not-renewed', { reason: (error as Error).message });
      }
      await this.#endDistrusted();
      await this.#show();
      this.#warn();
    });
  }

  /** Ends the looking; what is under way is done then. */
  async close(): Promise<void> {
    this.#stopListening();
    for (const timer of this.#timers) clearInterval(timer);
    await this.#looking;
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    this.#looking = this.#looking.then(work);
    await this.#looking;
  }

  /** Ends what was issued by who is believed no more, until it is done. */
  async #endDistrusted(): Promise<void> {
    const { authority, endIssuedBy, log } = this.#parts;
    try {
      const { distrusted } = authority.standing();
      if (distrusted.length > 0) await endIssuedBy(distrusted);
      this.#toEnd = false;
    } catch (error) {
      log.error('certificates-not-ended', { reason: (error as Error).message });
    }
  }

  /** Gives the doors the certificate of the server, where it or whom they believe is another one now. */
  async #show(): Promise<void> {
    const { authority, names, doors, log } = this.#parts;
    try {
      const identity = await authority.issueServer({ names });
      const isOther = identity.certificatePem !== this.#shown.certificatePem;
      if (!isOther && !this.#toShow) return;
      for (const door of doors) door.renew(identity, authority.clientTrust());
      this.#toShow = false;
      this.#shown = identity;
      if (isOther) log.info('server-certificate-renewed', { until: iso(identity.notAfter) });
    } catch (error) {
      log.error('server-certificate-not-renewed', { reason: (error as Error).message });
    }
  }

  #warn(): void {
    const { authority, log, now } = this.#parts;
    const { issuer, root } = authority.standing();
    const days = (end: number) => Math.floor((end - now()) / dayMilliseconds);
    if (days(root.notAfter) < warnDays.root) {
      log.warn('authority-root-ends', {
        ...{ until: iso(root.notAfter), days: days(root.notAfter) },
        advice:
          'make another root and have it cross-signed, so that gateways can adopt it: see docs/identity.md, Rotation',
      });
    }
    // One that is under a root which is here is renewed by itself, up to that root's end.
    if (!root.isOnline && days(issuer.notAfter) < warnDays.issuer) {
      log.warn('authority-issuer-ends', {
        ...{ until: iso(issuer.notAfter), days: days(issuer.notAfter) },
        advice:
          'nothing that it issues lives longer: authority request, loadline ca sign, authority install; see docs/identity.md',
      });
    }
  }
}

function told(authority: Pick<Authority, 'standing'>) {
  const { issuer, root } = authority.standing();
  return { issuer: issuer.fingerprint, until: iso(issuer.notAfter), root: root.fingerprint };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
