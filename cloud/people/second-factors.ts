import { Secret } from '@loadline/sdk/platform';
import type { UserPrincipal } from '../access/index.ts';
import type { Guard } from '../guard/index.ts';
import { type Keyring, openSealed, sealValue } from '../keys/index.ts';
import type { Mailer } from '../mail/index.ts';
import { type PersonRow, type Step, type Store, step } from '../store/index.ts';
import { type CodeOutcome, type FactorCodes, factorContext } from './factor-codes.ts';
import { about, personOf } from './factor-owner.ts';
import { provePassword } from './password-proof.ts';
import { makeRecoveryCodes } from './recovery-codes.ts';
import { acceptCode, makeTotpSecret, totpUri } from './second-factor.ts';
import type { Sessions } from './sessions.ts';
import { addressOf, withoutFactor } from './sign-in.ts';
import { codeOf, type Unproven, type Visitor } from './visitor.ts';

/** What the name of the account stands under in an authenticator app. */
const issuer = 'Loadline';

/** What one asked for contradicts what there is. */
const conflict = { kind: 'conflict' } as const;
type Conflict = typeof conflict;

interface SecondFactorsParts {
  readonly store: Store;
  readonly keys: Keyring;
  readonly sessions: Sessions;
  readonly codes: FactorCodes;
  readonly guard: Guard;
  readonly mailer: Pick<Mailer, 'send'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Second factors: enabled and disabled. Of lost ones: `FactorResets`. */
export class SecondFactors {
  readonly #parts: SecondFactorsParts;

  constructor(parts: SecondFactorsParts) {
    this.#parts = parts;
  }

  /** Offers a secret for an authenticator app, to who gives the password again. Not in force before a right code came. */
  async begin(
    principal: UserPrincipal,
    password: string,
    visitor: Visitor,
  ): Promise<
    { readonly kind: 'offered'; readonly secret: string; readonly uri: string } | Unproven | Conflict
  > {
    const person = await personOf(this.#parts.store, principal);
    const proof = await this.#prove(person, { password, action: 'second-factor.begin' }, visitor);
    if (proof !== undefined) return proof;
    const secret = makeTotpSecret();
    const sealed = await sealValue(this.#parts.keys, factorContext(person.id), secret);
    const { done } = await this.#parts.store.change({
      steps: [step('offerFactor', { person: person.id, sealed }, 'some')],
      audit: [visitor.entry({ ...about(person), action: 'second-factor.begin' })],
    });
    if (!done) return conflict;
    return { kind: 'offered', secret, uri: totpUri({ secret, issuer, account: person.email }) };
  }

  /**
   * Enables what was offered, by a right code of it. Every other session of the person ends, since it never gave one;
   * this one gets another token.
   */
  async enable(
    principal: UserPrincipal,
    { known, code }: { readonly known: string; readonly code: string },
    visitor: Visitor,
  ): Promise<
    | { readonly kind: 'enabled'; readonly recoveryCodes: readonly string[]; readonly token: string }
    | Exclude<CodeOutcome, { kind: 'right' }>
    | Conflict
  > {
    const person = await personOf(this.#parts.store, principal);
    const { id, factorOffered: offered, factorSecret } = person;
    if (offered === null || factorSecret !== null) return conflict;
    const recovery = makeRecoveryCodes();
    const rotation = this.#parts.sessions.rotation(principal, known);
    const outcome = await this.#parts.codes.guarded(
      { person, action: 'second-factor.enable' },
      visitor,
      async () => {
        const secret = await openSealed(this.#parts.keys, factorContext(id), offered);
        const taken = acceptCode({ secret, code, now: this.#parts.now(), lastStep: undefined });
        if (taken === undefined) return 'wrong';
        const { done } = await this.#parts.store.change({
          steps: [
            step('enableFactor', { person: id, offered, step: taken }, 'some'),
            ...recoverySteps(id, recovery.hashes),
            ...rotation.steps,
            step('endSessions', { person: id, except: principal.session }),
          ],
          audit: [visitor.entry({ ...about(person), action: 'second-factor.enable' })],
        });
        return done ? 'right' : 'overtaken';
      },
    );
    if (outcome.kind !== 'right') return outcome;
    this.#parts.guard.renewed({ kind: 'second-factor', name: person.email });
    this.#parts.mailer.send({ kind: 'second-factor-enabled', ...this.#to(person, visitor) });
    return { kind: 'enabled', recoveryCodes: recovery.codes, token: rotation.token };
  }

  /** Makes new recovery codes, to who gives a code; those before are void. */
  async renewCodes(
    principal: UserPrincipal,
    code: string,
    visitor: Visitor,
  ): Promise<
    | { readonly kind: 'renewed'; readonly recoveryCodes: readonly string[] }
    | Exclude<CodeOutcome, { kind: 'right' }>
    | Conflict
  > {
    const person = await personOf(this.#parts.store, principal);
    if (person.factorSecret === null) return conflict;
    const recovery = makeRecoveryCodes();
    const action = 'recovery-codes.renew';
    const outcome = await this.#parts.codes.take(
      { person, code, action },
      {
        steps: recoverySteps(person.id, recovery.hashes),
        audit: (by) => [visitor.entry({ ...about(person), action, after: { by } })],
      },
      visitor,
    );
    if (outcome.kind !== 'right') return outcome;
    this.#parts.mailer.send({ kind: 'recovery-codes-renewed', ...this.#to(person, visitor) });
    return { kind: 'renewed', recoveryCodes: recovery.codes };
  }

  /** Disables the second factor, to who gives the password and a code. */
  async disable(
    principal: UserPrincipal,
    { known, password, code }: { readonly known: string; readonly password: string; readonly code: string },
    visitor: Visitor,
  ): Promise<
    | { readonly kind: 'disabled'; readonly token: string }
    | { readonly kind: 'wrong-code' }
    | Exclude<CodeOutcome, { kind: 'right' }>
    | Conflict
  > {
    const person = await personOf(this.#parts.store, principal);
    const { id, factorSecret: sealed } = person;
    if (sealed === null) return conflict;
    const action = 'second-factor.delete';
    const proof = await this.#prove(person, { password, action }, visitor);
    if (proof !== undefined) return proof;
    const rotation = this.#parts.sessions.rotation(principal, known);
    const outcome = await this.#parts.codes.take(
      { person, code, action },
      {
        steps: [
          step('removeFactor', { person: id, sealed }, 'some'),
          ...withoutFactor(id),
          ...rotation.steps,
        ],
        audit: (by) => [visitor.entry({ ...about(person), action, after: { by } })],
      },
      visitor,
    );
    if (outcome.kind === 'wrong') return { kind: 'wrong-code' };
    if (outcome.kind !== 'right') return outcome;
    this.#parts.mailer.send({ kind: 'second-factor-disabled', ...this.#to(person, visitor) });
    return { kind: 'disabled', token: rotation.token };
  }

  /** What is to be answered where the password is not right; undefined where it is. */
  async #prove(
    person: PersonRow,
    { password, action }: { password: string; action: string },
    visitor: Visitor,
  ): Promise<Unproven | undefined> {
    const { email } = person;
    const passwordHash = person.passwordHash ?? undefined;
    const proof = await provePassword(
      this.#parts.guard,
      { email, password: new Secret(password), passwordHash },
      visitor,
    );
    if (proof.kind === 'right') return undefined;
    const code = codeOf(proof);
    const refused = visitor.entry({ ...about(person), action, outcome: 'refused', code });
    await this.#parts.store.change({ steps: [], audit: [refused] });
    return proof;
  }

  #to(person: PersonRow, { source }: Visitor) {
    return { to: addressOf(person), at: this.#parts.now(), source };
  }
}

function recoverySteps(person: string, hashes: readonly Buffer[]): Step[] {
  return [
    step('endRecoveryCodes', { person }),
    ...hashes.map((codeHash) => step('addRecoveryCode', { person, codeHash })),
  ];
}
