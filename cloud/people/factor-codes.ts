import type { Guard, Permit } from '../guard/index.ts';
import { type Keyring, needsResealing, openSealed, sealValue } from '../keys/index.ts';
import { type AuditDraft, type PersonRow, type Step, type Store, step } from '../store/index.ts';
import { recoveryCodeHash } from './recovery-codes.ts';
import { acceptCode } from './second-factor.ts';
import { chainsOf } from './sessions.ts';
import { type Unproven, type Visitor, wrong } from './visitor.ts';

/** What a code was. */
export type CodeKind = 'authenticator' | 'recovery';

export type CodeOutcome =
  | { readonly kind: 'right'; readonly permit: Permit }
  | Unproven
  /** The code was right, and what it was to do was overtaken by something else: nothing was done or used up. */
  | { readonly kind: 'overtaken' };

/** The context of a sealed second factor: it opens for its person only. */
export const factorContext = (person: string) => ({ what: 'second-factor', owner: person });

/** Codes of second factors: looked at once the guard lets them through, and used up in the change that they allow. */
export class FactorCodes {
  readonly #store: Store;
  readonly #keys: Keyring;
  readonly #guard: Guard;
  readonly #now: () => number;

  /** `now`: ms since 1970. */
  constructor(parts: { store: Store; keys: Keyring; guard: Guard; now: () => number }) {
    this.#store = parts.store;
    this.#keys = parts.keys;
    this.#guard = parts.guard;
    this.#now = parts.now;
  }

  /**
   * Takes a code of `person` for one thing: `allows` is done in the same change that uses the code up, so that of two
   * who bring one code at the same time one is let in. `action` is how a refusal stands in the audit log.
   */
  async take(
    { person, code, action }: { person: PersonRow; code: string; action: string },
    allows: { steps: readonly Step[]; audit: (kind: CodeKind) => readonly AuditDraft[] },
    visitor: Visitor,
  ): Promise<CodeOutcome> {
    return await this.guarded({ person, action }, visitor, async () => {
      const use = await this.#use(person, code);
      if (use === undefined) return 'wrong';
      const changed = await this.#store.change({
        steps: [...use.steps, ...allows.steps],
        audit: allows.audit(use.kind),
      });
      if (changed.done) return 'right';
      return changed.step === 0 ? 'wrong' : 'overtaken';
    });
  }

  /** Asks the guard before `look`, tells it what came of it, and writes a refusal into the audit log. */
  async guarded(
    { person, action }: { person: PersonRow; action: string },
    visitor: Visitor,
    look: () => Promise<'right' | 'wrong' | 'overtaken'>,
  ): Promise<CodeOutcome> {
    const answer = this.#guard.ask({
      subject: { kind: 'second-factor', name: person.email },
      source: visitor.source,
      ...(visitor.device !== undefined && { device: visitor.device }),
    });
    const refuse = (code: 'second-factor-refused' | 'too-many-attempts') =>
      this.#store.change({
        steps: [],
        audit: [
          visitor.entry({
            action,
            outcome: 'refused',
            code,
            organisation: chainsOf(person),
            target: { kind: 'user', id: person.id },
          }),
        ],
      });
    if (!answer.go) {
      await refuse('too-many-attempts');
      return { kind: 'held', retryAfterSeconds: answer.retryAfterSeconds };
    }
    const { permit } = answer;
    let outcome: 'right' | 'wrong' | 'overtaken';
    try {
      outcome = await look();
    } catch (error) {
      this.#guard.undecided(permit);
      throw error;
    }
    switch (outcome) {
      case 'right':
        this.#guard.succeeded(permit);
        return { kind: 'right', permit };
      case 'overtaken':
        this.#guard.undecided(permit);
        return { kind: 'overtaken' };
      case 'wrong':
        this.#guard.failed(permit);
        await refuse('second-factor-refused');
        return wrong;
    }
  }

  /** The steps that use a code up, the first of which changes nothing where it was used meanwhile. */
  async #use(
    person: PersonRow,
    code: string,
  ): Promise<{ kind: CodeKind; steps: readonly Step[] } | undefined> {
    const { id, factorSecret: sealed, factorStep } = person;
    if (sealed === null) return undefined;
    const codeHash = recoveryCodeHash(code);
    if (codeHash !== undefined) {
      return { kind: 'recovery', steps: [step('spendRecoveryCode', { person: id, codeHash }, 'some')] };
    }
    const secret = await openSealed(this.#keys, factorContext(id), sealed);
    const taken = acceptCode({ secret, code, now: this.#now(), lastStep: factorStep ?? undefined });
    if (taken === undefined) return undefined;
    const steps: Step[] = [step('useFactorStep', { person: id, sealed, step: taken }, 'some')];
    if (needsResealing(this.#keys, sealed)) {
      const anew = await sealValue(this.#keys, factorContext(id), secret);
      // Last of all: the steps between still find the secret as it was read.
      steps.push(step('resealFactor', { person: id, known: sealed, sealed: anew }));
    }
    return { kind: 'authenticator', steps };
  }
}
