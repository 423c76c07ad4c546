import { Secret } from '@loadline/sdk/platform';
import type { UserPrincipal } from '../access/index.ts';
import type { Guard } from '../guard/index.ts';
import { isMailAddress, type Mailer } from '../mail/index.ts';
import { type LinkRow, type PersonRow, type Store, step } from '../store/index.ts';
import { noteBadLink } from './bad-links.ts';
import { TooManyWaiting } from './bounded.ts';
import { judgePassword } from './judge-password.ts';
import { linkHash, linkLives, makeLink } from './links.ts';
import { provePassword } from './password-proof.ts';
import { hashPassword } from './passwords.ts';
import { chainsOf, type Sessions } from './sessions.ts';
import { addressOf } from './sign-in.ts';
import { codeOf, type Unproven, type Visitor } from './visitor.ts';

/** Mails to reset a password that one address gets in the time that such a link is good: an hour. */
const mailsInLife = 3;

/** Why a password was not taken. */
export interface WeakPassword {
  readonly kind: 'weak';
  /** In words for whom it is refused. */
  readonly reason: string;
}

/** A link that is somebody's. */
type PersonalLink = LinkRow & { readonly person: NonNullable<LinkRow['person']> };

/** The link is wrong, used up, or too old. */
const badLink = { kind: 'bad-link' } as const;

interface PasswordChangesParts {
  readonly store: Store;
  readonly sessions: Sessions;
  readonly guard: Guard;
  readonly mailer: Pick<Mailer, 'send'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** How a password comes to be another. */
export class PasswordChanges {
  readonly #parts: PasswordChangesParts;

  constructor(parts: PasswordChangesParts) {
    this.#parts = parts;
  }

  /**
   * Sends a link to reset the password, where there is such an account. What it does and answers is the same where there
   * is none: one look, one change with its entry, and a mail that is begun later.
   */
  async request(email: string, visitor: Visitor): Promise<void> {
    const person = await this.#parts.store.read('personByEmail', { email });
    const now = this.#parts.now();
    const { secret, hash: secretHash, expires } = makeLink('reset-password', now);
    const since = expires - linkLives['reset-password'];
    const changed = await this.#parts.store.change({
      steps: [
        step('forgetLinks', { now }),
        step('addResetLink', { secretHash, email, expires, since, most: mailsInLife }),
      ],
      audit: [
        visitor.entry({
          action: 'password.request-reset',
          target: person ? { kind: 'user', id: person.id } : null,
          organisation: chainsOf(person),
          personal: {
            of: person ? [person.id] : [],
            data: person || isMailAddress(email) ? { email } : {},
          },
        }),
      ],
    });
    if (!changed.done || changed.rows[1] !== 1 || person === undefined) return;
    const { source } = visitor;
    this.#parts.mailer.send({
      kind: 'password-reset',
      to: addressOf(person),
      source,
      secret,
      validUntil: expires,
    });
  }

  /** Whom a link is for, without using it up; undefined where it is good no more, which is in the audit log then. */
  async read(secret: string, visitor: Visitor): Promise<PersonalLink | undefined> {
    const link = await this.#link(secret);
    if (link === undefined) await noteBadLink(this.#parts.store, visitor, 'password.read-link');
    return link;
  }

  async #link(secret: string): Promise<PersonalLink | undefined> {
    const [one, other] = [linkHash('set-password', secret), linkHash('reset-password', secret)];
    if (one === undefined || other === undefined) return undefined;
    const link = await this.#parts.store.read('link', { one, other, now: this.#parts.now() });
    return link?.person ? { ...link, person: link.person } : undefined;
  }

  /**
   * Sets a password by a link, which is used up. Every session of the person ends, and every other such link. Who is new
   * accepts what the organisation whose link it is has invited him to be.
   */
  async set(
    { secret, password }: { readonly secret: string; readonly password: string },
    visitor: Visitor,
  ): Promise<{ readonly kind: 'set' } | WeakPassword | typeof badLink | Unproven> {
    const link = await this.#link(secret);
    const person = link && (await this.#parts.store.read('person', { id: link.person.id }));
    const secretHash =
      link && linkHash(link.purpose === 'set-password' ? 'set-password' : 'reset-password', secret);
    const bad = async () => {
      await noteBadLink(this.#parts.store, visitor, 'password.set');
      return badLink;
    };
    if (link === undefined || person === undefined || secretHash === undefined) return await bad();
    const passwordHash = await this.#hash(password, person);
    if (typeof passwordHash !== 'string') return passwordHash;
    const { id } = person;
    const { organisation } = link;
    const accepts = organisation !== null && person.invitations.includes(organisation) ? [organisation] : [];
    const after = { ...person, organisations: [...person.organisations, ...accepts] };
    const at = this.#parts.now();
    const { done } = await this.#parts.store.change({
      steps: [
        step('spendLink', { secretHash, purpose: link.purpose, now: at }, 'some'),
        step('setPassword', { person: id, passwordHash }, 'some'),
        step('endPasswordLinks', { person: id }),
        step('endSessions', { person: id, except: '' }),
        ...accepts.map((one) => step('acceptInvitation', { organisation: one, person: id, at }, 'some')),
      ],
      audit: [
        visitor.entry({
          ...about(after),
          actor: { kind: 'user', id },
          action: 'password.set',
          after: { by: link.purpose },
          personal: { of: [id], data: {} },
        }),
        ...accepts.map((one) =>
          visitor.entry({
            action: 'user.accept-invitation',
            organisation: one,
            actor: { kind: 'user', id },
            target: { kind: 'user', id },
            personal: { of: [id], data: {} },
          }),
        ),
      ],
    });
    if (!done) return await bad();
    this.#renewed(person, visitor);
    return { kind: 'set' };
  }

  /** Changes the password of who gives the one before. Every other session ends; this one gets another token. */
  async change(
    principal: UserPrincipal,
    {
      known,
      current,
      password,
    }: { readonly known: string; readonly current: string; readonly password: string },
    visitor: Visitor,
  ): Promise<
    | { readonly kind: 'changed'; readonly token: string }
    | WeakPassword
    | Unproven
    | { readonly kind: 'overtaken' }
  > {
    const person = await this.#parts.store.read('person', { id: principal.id });
    if (person?.passwordHash == null) return { kind: 'overtaken' };
    const { id, email, passwordHash: before } = person;
    const proof = await provePassword(
      this.#parts.guard,
      { email, password: new Secret(current), passwordHash: before },
      visitor,
    );
    if (proof.kind !== 'right') {
      const refused = { ...about(person), action: 'password.change', outcome: 'refused' as const };
      await this.#parts.store.change({
        steps: [],
        audit: [visitor.entry({ ...refused, code: codeOf(proof) })],
      });
      return proof;
    }
    const passwordHash = await this.#hash(password, person);
    if (typeof passwordHash !== 'string') return passwordHash;
    const rotation = this.#parts.sessions.rotation(principal, known);
    const { done } = await this.#parts.store.change({
      steps: [
        step('changePassword', { person: id, known: before, passwordHash }, 'some'),
        ...rotation.steps,
        step('endSessions', { person: id, except: principal.session }),
        step('endPasswordLinks', { person: id }),
      ],
      audit: [visitor.entry({ ...about(person), action: 'password.change' })],
    });
    if (!done) return { kind: 'overtaken' };
    this.#renewed(person, visitor);
    return { kind: 'changed', token: rotation.token };
  }

  /** The hash of a password that the person may have, or why not. */
  async #hash(password: string, person: PersonRow): Promise<string | WeakPassword | Unproven> {
    const { memberships } = await this.#parts.store.read('standings', {
      person: person.id,
      now: this.#parts.now(),
    });
    const names = memberships.map(({ organisation }) => organisation.name);
    return await judgedHash(password, [person.email, person.name, ...names]);
  }

  #renewed(person: PersonRow, { source }: Visitor): void {
    this.#parts.guard.renewed({ kind: 'account', name: person.email });
    if (person.passwordHash === null) return;
    this.#parts.mailer.send({
      kind: 'password-changed',
      to: addressOf(person),
      at: this.#parts.now(),
      source,
    });
  }
}

/** The hash of a password that may be chosen by somebody of whom `context` is known, or why not. */
export async function judgedHash(
  password: string,
  context: readonly string[],
): Promise<string | WeakPassword | Unproven> {
  const judgement = await judgePassword(password, context);
  if (judgement.kind === 'refused') return { kind: 'weak', reason: judgement.reason };
  try {
    return await hashPassword(password);
  } catch (error) {
    if (error instanceof TooManyWaiting) return { kind: 'held', retryAfterSeconds: 1 };
    throw error;
  }
}

function about(person: PersonRow) {
  return { target: { kind: 'user', id: person.id }, organisation: chainsOf(person) };
}
