import { Secret } from '@loadline/sdk/platform';
import type { UserPrincipal } from '../access/index.ts';
import type { Guard } from '../guard/index.ts';
import { isMailAddress, type Mailer } from '../mail/index.ts';
import { type AuditDraft, type PersonRow, type Step, type Store, step } from '../store/index.ts';
import type { CodeOutcome, FactorCodes } from './factor-codes.ts';
import { provePassword } from './password-proof.ts';
import { recoveryCodeHash } from './recovery-codes.ts';
import { chainsOf, type Sessions } from './sessions.ts';
import { codeOf, type Unproven, type Visitor, wrong } from './visitor.ts';

/** A session was opened, or is whole now. */
export interface SignedIn {
  readonly kind: 'signed-in';
  readonly token: string;
  readonly state: 'open' | 'second-factor';
  /** The new value of the device cookie, once the login is whole. */
  readonly device: string | undefined;
}

interface SignInParts {
  readonly store: Store;
  readonly sessions: Sessions;
  readonly codes: FactorCodes;
  readonly guard: Guard;
  readonly mailer: Pick<Mailer, 'send'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** How people get in: address and password, then the second factor where there is one. */
export class SignIn {
  readonly #parts: SignInParts;

  constructor(parts: SignInParts) {
    this.#parts = parts;
  }

  /**
   * Logs in. `email` in lower case. For an address that nobody has it does what it does for a wrong password: one look
   * into the store, one password computed, one entry written.
   */
  async logIn(
    { email, password }: { readonly email: string; readonly password: string },
    visitor: Visitor,
  ): Promise<SignedIn | Unproven> {
    const person = await this.#parts.store.read('personByEmail', { email });
    const passwordHash = person?.passwordHash ?? undefined;
    const proof = await provePassword(
      this.#parts.guard,
      { email, password: new Secret(password), passwordHash },
      visitor,
    );
    if (proof.kind === 'right' && person && passwordHash !== undefined) {
      const opened = await this.#open({ ...person, passwordHash }, visitor, proof.permit.trusted);
      if (opened !== undefined) return opened;
    }
    const unproven = proof.kind === 'held' ? proof : wrong;
    await this.#parts.store.change({ steps: [], audit: [refusal(visitor, email, person, unproven)] });
    return unproven;
  }

  /** Takes the second factor of a pending session: a code of the authenticator, or a recovery code. */
  async confirm(
    principal: UserPrincipal,
    { known, code }: { readonly known: string; readonly code: string },
    visitor: Visitor,
  ): Promise<SignedIn | Exclude<CodeOutcome, { kind: 'right' }>> {
    const person = await this.#parts.store.read('person', { id: principal.id });
    const completion = await this.#parts.sessions.completion(principal, known);
    if (person === undefined || completion === undefined) return { kind: 'overtaken' };
    const { id } = person;
    const steps = [
      ...completion.steps,
      // Who has it has not lost it.
      step('stopFactorReset', { person: id }),
      step('endFactorVotes', { person: id }),
      step('endKeepLinks', { person: id }),
    ];
    const used = await this.#parts.codes.take(
      { person, code, action: 'session.confirm' },
      {
        steps,
        audit: (by) => [
          visitor.entry({
            action: 'session.confirm',
            target: { kind: 'user', id },
            organisation: chainsOf(person),
            after: { by },
          }),
        ],
      },
      visitor,
    );
    if (used.kind !== 'right') return used;
    if (recoveryCodeHash(code) !== undefined) {
      const left = await this.#parts.store.read('recoveryCodes', { person: id });
      const { source } = visitor;
      this.#parts.mailer.send({
        kind: 'recovery-code-used',
        to: addressOf(person),
        at: this.#parts.now(),
        source,
        left,
      });
    }
    return this.#whole(person, completion.token, visitor, used.permit.trusted);
  }

  /** Opens a session; undefined where the password or the second factor was changed meanwhile. */
  async #open(
    person: PersonRow & { readonly passwordHash: string },
    visitor: Visitor,
    knownDevice: boolean,
  ): Promise<SignedIn | undefined> {
    const { id, factorSecret, factorReset } = person;
    const now = this.#parts.now();
    const isReset = factorSecret !== null && factorReset !== null && factorReset <= now;
    const pending = factorSecret !== null && !isReset;
    const opening = this.#parts.sessions.opening(person, visitor, pending);
    const of = { target: { kind: 'user', id }, organisation: chainsOf(person) };
    const actor = { kind: 'user', id };
    const personal = { of: [id], data: { email: person.email, agent: visitor.agent } };
    const state = pending ? ('second-factor' as const) : ('open' as const);
    const changed = await this.#parts.store.change({
      steps: [...(isReset ? resetSteps(id, now) : []), ...opening.steps],
      audit: [
        ...(isReset
          ? [visitor.entry({ ...of, actor, action: 'second-factor.delete', after: { by: 'delay' } })]
          : []),
        visitor.entry({ ...of, actor, action: 'session.create', after: { state, knownDevice }, personal }),
      ],
    });
    if (!changed.done) return undefined;
    if (isReset) this.#parts.mailer.send({ kind: 'second-factor-reset', to: addressOf(person), at: now });
    if (pending) return { kind: 'signed-in', token: opening.token, state, device: undefined };
    return this.#whole(person, opening.token, visitor, knownDevice);
  }

  #whole(person: PersonRow, token: string, visitor: Visitor, knownDevice: boolean): SignedIn {
    if (!knownDevice) {
      const { source, agent: device } = visitor;
      this.#parts.mailer.send({
        kind: 'new-sign-in',
        to: addressOf(person),
        at: this.#parts.now(),
        source,
        device,
      });
    }
    const device = this.#parts.guard.remember({ kind: 'account', name: person.email }, visitor.device);
    return { kind: 'signed-in', token, state: 'open', device };
  }
}

/** The steps at the first login after the delay of a reset is over. */
function resetSteps(person: string, now: number): Step[] {
  return [step('removeFactorInTime', { person, now }, 'some'), ...withoutFactor(person)];
}

/** What goes with a second factor. */
export function withoutFactor(person: string): Step[] {
  return [
    step('endRecoveryCodes', { person }),
    step('endFactorVotes', { person }),
    step('endKeepLinks', { person }),
    step('endPendingSessions', { person }),
  ];
}

/** To whom a person's mails go. */
export function addressOf({ email, name }: { readonly email: string; readonly name: string }) {
  return { address: email, name };
}

/**
 * A refused login as it stands in the audit log. What was typed for an address is kept only where it is one: people
 * type passwords into the wrong field.
 */
function refusal(
  visitor: Visitor,
  email: string,
  person: PersonRow | undefined,
  unproven: Unproven,
): AuditDraft {
  const { agent } = visitor;
  const tried = person !== undefined || isMailAddress(email) ? { email, agent } : { agent };
  return visitor.entry({
    action: 'session.create',
    outcome: 'refused',
    code: codeOf(unproven),
    organisation: chainsOf(person),
    target: person ? { kind: 'user', id: person.id } : null,
    personal: { of: person ? [person.id] : [], data: tried },
  });
}
