import { randomBytes } from 'node:crypto';
import { limits } from '@loadline/sdk/contract';
import type { Secret } from '@loadline/sdk/platform';
import type { Authentications } from '../audit/index.ts';
import type { Issuance } from '../authority/index.ts';
import type { IssuanceRecorder } from '../issuance.ts';
import { type Step, type Store, step } from '../store/index.ts';
import { tokenHash } from './sessions.ts';

/** Where an enrolment came from. */
export interface EnrolmentArrival {
  /** The gateway's; null where there is no such gateway. */
  readonly organisation: string | null;
  readonly source: string;
}

/** One-time secrets with which a new gateway asks for its certificate. */
export class Enrolments {
  readonly #store: Store;
  readonly #authentications: Pick<Authentications, 'add'>;
  readonly #recordIssuance: IssuanceRecorder;
  readonly #now: () => number;

  /** `now`: ms since 1970. */
  constructor(parts: {
    store: Store;
    authentications: Pick<Authentications, 'add'>;
    recordIssuance: IssuanceRecorder;
    now: () => number;
  }) {
    this.#store = parts.store;
    this.#authentications = parts.authentications;
    this.#recordIssuance = parts.recordIssuance;
    this.#now = parts.now;
  }

  /** A secret for one gateway, and the steps that keep its hash; an earlier one of that gateway ends by them. */
  offer(gateway: string): { secret: string; steps: Step[] } {
    const secret = randomBytes(24).toString('base64url');
    const expires = this.#now() + limits.enrolmentSecretMilliseconds;
    return {
      secret,
      steps: [step('setEnrolment', { device: gateway, secretHash: tokenHash(secret), expires })],
    };
  }

  /**
   * Spends a secret on a public key (PEM); false where it is wrong, too old, another gateway's, or spent on another
   * key. The same key may come again: the answer with its certificate may have been lost.
   */
  async spend(
    { gateway, secret, publicKeyPem }: { gateway: string; secret: Secret; publicKeyPem: string },
    arrival: EnrolmentArrival,
  ): Promise<boolean> {
    const at = this.#now();
    const { organisation, source } = arrival;
    const [secretHash, keyHash] = [tokenHash(secret.reveal()), tokenHash(publicKeyPem)];
    const { done } = await this.#store.change({
      steps: [step('spendEnrolment', { device: gateway, secretHash, keyHash, at }, 'some')],
      audit: [
        {
          ...{ organisation, at, actor: { kind: 'gateway', id: gateway }, channel: 'https' },
          ...{
            action: 'enrolment.use',
            target: { kind: 'device', id: gateway },
            outcome: 'done',
            code: null,
          },
          ...{ before: null, after: null, personal: { of: [], data: { source } } },
        },
      ],
    });
    if (!done) this.refused(gateway, 'enrolment-refused', arrival);
    return done;
  }

  /** Keeps the certificate that a gateway is about to get. */
  async record(issuance: Issuance, { organisation, source }: EnrolmentArrival): Promise<void> {
    const { commonName: id } = issuance;
    const actor = { kind: 'gateway', id };
    const target = { kind: 'device', id };
    const by = { organisation, actor, target, channel: 'https', source, issuedFor: 'secret' } as const;
    await this.#recordIssuance(issuance, by);
  }

  /** Tells the audit log of somebody who is not enrolled as that gateway, and why. */
  refused(
    gateway: string,
    code: 'enrolment-refused' | 'request-malformed' | 'device-disabled' | 'rate-limited',
    { organisation, source }: EnrolmentArrival,
  ): void {
    const target = { kind: 'device', id: gateway };
    const where = { organisation, channel: 'https', source, persons: [] } as const;
    this.#authentications.add({ ...where, action: 'enrolment.use', target, code });
  }
}
