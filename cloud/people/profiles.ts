import { Secret } from '@loadline/sdk/platform';
import type { UserPrincipal } from '../access/index.ts';
import type { Guard } from '../guard/index.ts';
import type { Mailer } from '../mail/index.ts';
import { type PersonalEntryRow, type Step, type Store, step } from '../store/index.ts';
import { provePassword } from './password-proof.ts';
import { placesOf } from './principals.ts';
import { keepsAdministrator, withPosition } from './rules.ts';
import { chainsOf, type Sessions } from './sessions.ts';
import { addressOf } from './sign-in.ts';
import { codeOf, type Unproven, type Visitor } from './visitor.ts';

/** Entries of the audit log that an export has at most, the newest. */
const entriesExported = 10_000;

/** Commands that an export has at most, the newest. */
const ordersExported = 10_000;

interface ProfilesParts {
  readonly store: Store;
  readonly sessions: Sessions;
  readonly guard: Guard;
  readonly mailer: Pick<Mailer, 'send' | 'forget'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What a person may do with what is kept of him. */
export class Profiles {
  readonly #parts: ProfilesParts;

  constructor(parts: ProfilesParts) {
    this.#parts = parts;
  }

  async rename({ id, name: before }: UserPrincipal, name: string, visitor: Visitor): Promise<void> {
    const person = await this.#parts.store.read('person', { id });
    await this.#parts.store.change({
      steps: [step('setPersonName', { person: id, name })],
      audit: [
        visitor.entry({
          action: 'user.rename',
          target: { kind: 'user', id },
          organisation: chainsOf(person),
          personal: { of: [id], data: { before, after: name } },
        }),
      ],
    });
  }

  /** All that is kept of a person, as JSON. No secret is in it, and nothing personal of anybody else. */
  async export(principal: UserPrincipal): Promise<{ [name: string]: unknown }> {
    const { id } = principal;
    const now = this.#parts.now();
    const [person, sessions, record, entries, tokens, ordered] = await Promise.all([
      this.#parts.store.read('person', { id }),
      this.#parts.sessions.list(id),
      this.#parts.store.read('standings', { person: id, now }),
      this.#parts.store.read('personalEntries', {
        person: id,
        before: Number.MAX_SAFE_INTEGER,
        limit: entriesExported + 1,
      }),
      this.#parts.store.read('tokenNames', { person: id }),
      this.#parts.store.read('ordered', { by: principal.email, limit: ordersExported + 1 }),
    ]);
    if (person === undefined) throw new Error('the person of this session is no more');
    const places = placesOf(record, { secondFactor: true, since: Number.POSITIVE_INFINITY });
    return {
      exported: iso(now),
      profile: {
        id,
        email: person.email,
        name: person.name,
        created: iso(person.created),
        fleetOperator: person.operator,
        hasPassword: person.passwordHash !== null,
        secondFactor: person.factorSecret !== null,
        secondFactorReset: person.factorReset === null ? null : iso(person.factorReset),
        cutOff: person.cutOff === null ? null : iso(person.cutOff),
      },
      memberships: places.map(({ organisation, role, membership, grantedUntil }) => ({
        organisation: { id: organisation.id, name: organisation.name },
        role,
        reach: membership.reach,
        departments: membership.departments,
        customer: membership.customer,
        grantedUntil: grantedUntil === null ? null : iso(grantedUntil),
      })),
      sessions: sessions.map((one) => ({
        id: one.id,
        created: iso(one.created),
        seen: iso(one.seen),
        expires: iso(one.expires),
        source: one.source,
        agent: one.agent,
      })),
      apiTokens: tokens.map(({ created, expires, used, ...token }) => ({
        ...token,
        created: iso(created),
        expires: iso(expires),
        used: used === null ? null : iso(used),
      })),
      desiredConfigurations: ordered.desired.map(({ created, ...one }) => ({
        ...one,
        created: iso(created),
      })),
      commands: ordered.commands
        .slice(0, ordersExported)
        .map(({ created, ...one }) => ({ ...one, created: iso(created) })),
      /** Whether there are older commands than those. */
      commandsMore: ordered.commands.length > ordersExported,
      auditEntries: entries.slice(0, entriesExported).map(exportedEntry),
      /** Whether there are older entries than those. */
      auditEntriesMore: entries.length > entriesExported,
    };
  }

  /**
   * Erases a person, who gives the password again: the account and all that hangs on it, what is personal of him in
   * every audit log, and the mails that are kept for him. What he did stays in those, under an id that leads to nobody.
   */
  async erase(
    principal: UserPrincipal,
    password: string,
    visitor: Visitor,
  ): Promise<{ readonly kind: 'erased' } | { readonly kind: 'last-administrator' } | Unproven> {
    const { id, email } = principal;
    const person = await this.#parts.store.read('person', { id });
    const claim = { email, password: new Secret(password), passwordHash: person?.passwordHash ?? undefined };
    const proof = await provePassword(this.#parts.guard, claim, visitor);
    const about = { action: 'user.erase', target: { kind: 'user', id }, organisation: chainsOf(person) };
    if (proof.kind !== 'right' || person === undefined) {
      const code = proof.kind === 'right' ? 'unauthenticated' : codeOf(proof);
      await this.#parts.store.change({
        steps: [],
        audit: [visitor.entry({ ...about, outcome: 'refused', code })],
      });
      return proof.kind === 'right' ? { kind: 'wrong' } : proof;
    }
    const at = this.#parts.now();
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      const leaving = await this.#leaving(id);
      if (leaving === undefined) return { kind: 'last-administrator' };
      const ending: Step[] = person.operator ? [step('endOperator', { person: id }, 'some')] : [];
      const { done, ...refused } = await this.#parts.store.change({
        steps: [
          ...ending,
          ...leaving,
          // What he ordered of gateways goes on, by the id that the audit logs keep.
          step('forgetDesirer', { by: email, instead: `user ${id}` }),
          step('forgetCommander', { by: email, instead: `user ${id}` }),
          step('forgetRolloutMaker', { by: email, instead: `user ${id}` }),
          step('forgetPinner', { by: email, instead: `user ${id}` }),
          step('removePerson', { person: id }, 'some'),
          step('eraseAuditPersonal', { user: id }),
        ],
        // Nothing personal in it: it is written after all that was is gone. Where he was invited his invitation ends.
        audit: [
          {
            ...visitor.entry({ ...about, organisation: [...chainsOf(person), ...person.invitations] }),
            personal: null,
          },
        ],
      });
      if (!done && ending.length > 0 && 'step' in refused && refused.step === 0) {
        return { kind: 'last-administrator' };
      }
      if (!done) continue;
      await this.#parts.mailer.forget(email);
      this.#parts.mailer.send({ kind: 'account-erased', to: addressOf(person), at });
      return { kind: 'erased' };
    }
    throw new Error('others are changing the same organisations all the time');
  }

  /** The steps that take a person out of organisations; undefined where one would be left without an administrator. */
  async #leaving(id: string): Promise<Step[] | undefined> {
    const now = this.#parts.now();
    const { memberships } = await this.#parts.store.read('standings', { person: id, now });
    const steps: Step[] = [];
    for (const { organisation } of memberships) {
      const state = await this.#parts.store.read('administration', { organisation: organisation.id, now });
      if (state === undefined) continue;
      if (keepsAdministrator(state, withPosition(state, id, null)) !== undefined) return undefined;
      steps.push(
        step(
          'advanceOrganisation',
          { organisation: organisation.id, revision: state.organisation.revision },
          'some',
        ),
        step('revokeTokensOf', { organisation: organisation.id, person: id }),
      );
    }
    return steps;
  }
}

/** How often an erasure is judged anew, because an organisation changed meanwhile. */
const mostAttempts = 20;

function exportedEntry({ organisation, at, action, outcome, data }: PersonalEntryRow) {
  return {
    organisation: organisation === '' ? null : organisation,
    time: iso(at),
    action,
    outcome,
    /** Null where it holds something of somebody else too. */
    personal: data === null ? null : (JSON.parse(data) as unknown),
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
