import { randomUUID } from 'node:crypto';
import { isMailAddress } from '../mail/index.ts';
import { type NamedRow, type OrganisationRow, type Store, step } from '../store/index.ts';
import {
  type Administration,
  type Editor,
  type FleetEditor,
  type Result,
  refused,
} from './administration.ts';
import type { Invite } from './invite.ts';
import { type Kept, pageOfKept } from './page-of-kept.ts';
import { wholeOnly } from './rules.ts';

/** What an organisation can say of itself. */
type Policies = Pick<
  OrganisationRow,
  | 'name'
  | 'isolation'
  | 'secondFactor'
  | 'tokenDays'
  | 'auditDays'
  | 'sockets'
  | 'readingsDays'
  | 'certificateGraceDays'
  | 'updates'
>;

/** Organisations, their policies, and how they come to be. */
export class Organisations {
  readonly #store: Store;
  readonly #administration: Administration;
  readonly #invite: Invite;
  readonly #changed: () => Promise<void>;
  readonly #now: () => number;

  /** `changed` is called after the policies of one were changed; `now`: ms since 1970. */
  constructor(parts: {
    store: Store;
    administration: Administration;
    invite: Invite;
    changed: () => Promise<void>;
    now: () => number;
  }) {
    this.#store = parts.store;
    this.#administration = parts.administration;
    this.#invite = parts.invite;
    this.#changed = parts.changed;
    this.#now = parts.now;
  }

  async organisation(id: string): Promise<OrganisationRow | undefined> {
    return this.#store.read('organisation', { id });
  }

  /** A page of the fleet's organisations, by name. */
  async list(page: {
    readonly after: NamedRow | undefined;
    readonly limit: number;
  }): Promise<Kept<NamedRow & { readonly created: number }>> {
    return pageOfKept(
      (row: (NamedRow & { created: number }) | undefined, limit) => {
        const { name: afterName, id: afterId } = row ?? page.after ?? { name: '', id: '' };
        return this.#store.read('organisations', { afterName, afterId, limit });
      },
      () => true,
      page.limit,
    );
  }

  /** Changes its name and policies: for who acts for all of it. */
  async patch(
    editor: Editor,
    change: { readonly [K in keyof Policies]?: Policies[K] | undefined },
  ): Promise<Result<OrganisationRow>> {
    const { id } = editor.standing.organisation;
    const target = { kind: 'organisation', id };
    const result = await this.#administration.change(editor, target, ({ organisation }, standing) => {
      const refusal = wholeOnly(standing);
      if (refusal !== undefined) return refusal;
      const before = policiesOf(organisation);
      const after = policiesOf({ ...organisation, ...given(change) });
      return {
        steps: [step('setOrganisation', { organisation: id, ...after }, 'some')],
        audit: [editor.entry({ target, before: { ...before }, after: { ...after } })],
        value: { ...organisation, ...after },
        otherwise: 'again' as const,
      };
    });
    if (result.kind === 'done') await this.#changed();
    return result;
  }

  /** Ends in it what was begun until now: sessions, that of who does it among them, and API tokens. */
  async cutOff(editor: Editor): Promise<Result<undefined>> {
    const { id } = editor.standing.organisation;
    const target = { kind: 'organisation', id };
    return this.#administration.change(editor, target, (_, standing) => {
      const refusal = wholeOnly(standing);
      if (refusal !== undefined) return refusal;
      const at = this.#now();
      return {
        steps: [step('cutOffOrganisation', { organisation: id, at }, 'some')],
        audit: [editor.entry({ target, after: { cutOff: new Date(at).toISOString() } })],
        value: undefined,
        otherwise: 'again',
      };
    });
  }

  /** Makes an organisation, and its first administrator, whoever that is; for a fleet operator. */
  async create(
    { person: by, entry }: FleetEditor,
    asked: {
      readonly id: string;
      readonly name: string;
      readonly administrator: { readonly email: string; readonly name: string };
    },
  ): Promise<Result<NamedRow>> {
    const { id, name, administrator } = asked;
    const { email } = administrator;
    if (!isMailAddress(email))
      return refused('request-invalid', 'body/administrator/email: not a mail address');
    const account = await this.#store.read('account', { email });
    const person = account?.id ?? randomUUID();
    const created = this.#now();
    const position = { role: 'administrator', reach: 'organisation', customer: null } as const;
    const newPerson = {
      id: person,
      email,
      name: administrator.name,
      passwordHash: null,
      operator: 0 as const,
    };
    const { done } = await this.#store.change({
      steps: [
        step('createOrganisation', { id, name, created }),
        ...(account === undefined ? [step('addPerson', { ...newPerson, created })] : []),
        step(
          'addMember',
          { organisation: id, person, called: administrator.name, created, arrived: null, ...position },
          'some',
        ),
      ],
      audit: [
        entry({
          organisation: [null, id],
          target: { kind: 'organisation', id },
          after: { name, administrator: person },
          personal: { of: [person], data: { email, name: administrator.name } },
        }),
      ],
    });
    if (!done) return refused('conflict', `the id ${id} cannot be had: choose another`);
    await this.#invite({
      kind: account?.hasPassword ? 'taken-in' : 'set-password',
      person: { id: person, email, name: account?.name ?? administrator.name },
      organisation: { id, name },
      by,
    });
    return { kind: 'done', value: { id, name } };
  }
}

function policiesOf(policies: Policies): Policies {
  const { name, isolation, secondFactor, tokenDays, auditDays, sockets } = policies;
  const { readingsDays, certificateGraceDays, updates } = policies;
  return {
    ...{ name, isolation, secondFactor, tokenDays, auditDays, sockets },
    ...{ readingsDays, certificateGraceDays, updates },
  };
}

/** What of a change is given at all. */
function given<T extends object>(change: T): Partial<{ [K in keyof T]: Exclude<T[K], undefined> }> {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as never;
}
