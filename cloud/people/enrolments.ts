import { randomBytes } from 'node:crypto';
import { type AuditDraft, type Step, type Store, step } from '../store/index.ts';
import { tokenHash } from './sessions.ts';

/** Milliseconds a one-time enrolment secret is good for. */
const enrolmentMilliseconds = 7 * 24 * 3_600_000;

/** One-time secrets with which a new gateway asks for its certificate. */
export class Enrolments {
  readonly #store: Store;
  readonly #now: () => number;

  constructor(store: Store, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /** A secret for one gateway, and the steps that keep its hash; an earlier one of that gateway ends by them. */
  offer(gateway: string): { secret: string; steps: Step[] } {
    const secret = randomBytes(24).toString('base64url');
    const expires = this.#now() + enrolmentMilliseconds;
    return { secret, steps: [step('setEnrolment', { gateway, secretHash: tokenHash(secret), expires })] };
  }

  /**
   * Spends a secret on a public key (PEM); false where it is wrong, too old, another gateway's, or spent on another
   * key. The same key may come again: the answer with its certificate may have been lost. Either stands in the audit log
   * of `organisation`, the gateway's; null where there is no such gateway.
   */
  async spend(
    { gateway, secret, publicKeyPem }: { gateway: string; secret: string; publicKeyPem: string },
    { organisation, source }: { organisation: string | null; source: string },
  ): Promise<boolean> {
    const at = this.#now();
    const [secretHash, keyHash] = [tokenHash(secret), tokenHash(publicKeyPem)];
    const party = { kind: 'gateway', id: gateway };
    const entry = (by: Pick<AuditDraft, 'actor' | 'outcome' | 'code'>): AuditDraft => ({
      ...{ organisation, at, channel: 'https', action: 'certificate.create', target: party },
      ...{ before: null, after: null, personal: { of: [], data: { source } } },
      ...by,
    });
    const { done } = await this.#store.change({
      steps: [step('spendEnrolment', { gateway, secretHash, keyHash, at }, 'some')],
      audit: [entry({ actor: party, outcome: 'done', code: null })],
    });
    if (done) return true;
    const nobody = { kind: 'nobody', id: '' };
    const refused = entry({ actor: nobody, outcome: 'refused', code: 'enrolment-refused' });
    await this.#store.change({ steps: [], audit: [refused] });
    return false;
  }
}
