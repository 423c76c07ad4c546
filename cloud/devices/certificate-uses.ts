import type { Log } from '@loadline/sdk/platform';
import type { Directory } from '../router/index.ts';
import { type AuditDraft, type Step, type Store, step } from '../store/index.ts';
import type { ProvenGateway } from './gateway-of.ts';

/** Milliseconds until what could not be written is tried again. */
const againMilliseconds = 1000;

interface Write {
  readonly steps: Step[];
  readonly audit: AuditDraft[];
}

/**
 * Notes the first use of each certificate, which ends the older ones of its gateway. In memory that is so at once, and
 * the door that asks waits for nothing; on disk it is as soon as the store takes it. What a crash keeps from the disk is
 * found at the certificate's next use: there it is a first one again.
 */
export class CertificateUses {
  readonly #store: Pick<Store, 'change'>;
  readonly #directory: Directory;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #waiting: Write[] = [];
  #writing: Promise<void> | undefined;
  #closing = false;
  #wake: () => void = () => {};

  /** `now`: ms since 1970. */
  constructor(parts: {
    store: Pick<Store, 'change'>;
    directory: Directory;
    log: Log;
    now: () => number;
  }) {
    this.#store = parts.store;
    this.#directory = parts.directory;
    this.#log = parts.log;
    this.#now = parts.now;
  }

  /** To be called whenever a gateway was let in by a certificate; `source` is its address. */
  note(
    { device: { id, organisation }, fingerprint }: ProvenGateway,
    { channel, source }: { readonly channel: 'mqtt' | 'https'; readonly source: string },
  ): void {
    const superseded = this.#directory.certificates.use(fingerprint);
    if (superseded === undefined) return;
    const at = this.#now();
    const entry: AuditDraft = {
      ...{ organisation: organisation.id, at, channel, action: 'certificate.supersede' },
      ...{ actor: { kind: 'gateway', id }, target: { kind: 'device', id } },
      ...{ outcome: 'done', code: null, before: null, after: { fingerprint, superseded } },
      personal: { of: [], data: { source } },
    };
    this.#waiting.push({
      steps: [
        step('noteCertificateUse', { fingerprint, at }),
        // No answer was lost: the secret that was spent on it need not open again.
        step('endSpentEnrolment', { device: id }),
        ...superseded.map((older) =>
          step('endCertificate', { fingerprint: older, at, reason: 'superseded' }),
        ),
      ],
      // That it came in is told by who let it in.
      audit: superseded.length > 0 ? [entry] : [],
    });
    if (superseded.length > 0) this.#log.info('certificate-superseded', { gateway: id, fingerprint });
    this.#writing ??= this.#write();
  }

  /** Writes what is still to be written; what the store refuses now is left to the next start. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#wake();
    await this.#writing;
  }

  async #write(): Promise<void> {
    for (;;) {
      const [first] = this.#waiting;
      if (first === undefined) break;
      try {
        await this.#store.change(first);
        this.#waiting.shift();
      } catch (error) {
        this.#log.warn('certificate-use-not-written', { reason: (error as Error).message });
        if (this.#closing) break;
        await this.#pause();
      }
    }
    this.#writing = undefined;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, againMilliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
