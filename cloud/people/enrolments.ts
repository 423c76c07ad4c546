import { randomBytes } from 'node:crypto';
import { type Step, type Store, step } from '../store/index.ts';
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
   * key. The same key may come again: the answer with its certificate may have been lost.
   */
  async spend(gateway: string, secret: string, publicKeyPem: string): Promise<boolean> {
    const [secretHash, keyHash] = [tokenHash(secret), tokenHash(publicKeyPem)];
    const spent = { gateway, secretHash, keyHash, at: this.#now() };
    const { done } = await this.#store.change({ steps: [step('spendEnrolment', spent, 'some')], audit: [] });
    return done;
  }
}
