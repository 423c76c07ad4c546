import type { Log } from '@loadline/sdk/platform';
import type { Authority, ServerIdentity } from './authority/index.ts';

const dayMilliseconds = 24 * 3_600_000;

/** Where the server's certificate is shown. */
interface Door {
  renew(identity: ServerIdentity): void;
}

/**
 * Looks once a day whether the server's certificate is in the last third of its life, and gives the doors the new one:
 * a cloud that is never started again must not end with one that has expired.
 */
export class ServerCertificate {
  readonly #parts: {
    readonly authority: Pick<Authority, 'issueServer'>;
    readonly names: readonly string[];
    readonly doors: readonly Door[];
    readonly log: Log;
  };
  readonly #timer: NodeJS.Timeout;
  #shown: ServerIdentity;

  /** `shown`: what the doors were opened with. */
  constructor(
    shown: ServerIdentity,
    parts: {
      authority: Pick<Authority, 'issueServer'>;
      names: readonly string[];
      doors: readonly Door[];
      log: Log;
    },
  ) {
    this.#shown = shown;
    this.#parts = parts;
    this.#timer = setInterval(() => void this.look(), dayMilliseconds);
    this.#timer.unref();
  }

  /** Renews it where it is time. */
  async look(): Promise<void> {
    const { authority, names, doors, log } = this.#parts;
    try {
      const identity = await authority.issueServer({ names });
      if (identity.certificatePem === this.#shown.certificatePem) return;
      for (const door of doors) door.renew(identity);
      this.#shown = identity;
      log.info('server-certificate-renewed', { until: new Date(identity.notAfter).toISOString() });
    } catch (error) {
      log.error('server-certificate-not-renewed', { reason: (error as Error).message });
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
