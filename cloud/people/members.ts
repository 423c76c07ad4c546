import { randomUUID } from 'node:crypto';
import { type MemberPlace, reachesMember, type Standing } from '../access/index.ts';
import { isMailAddress } from '../mail/index.ts';
import { type AdministrationRow, type MemberRow, type Step, type Store, step } from '../store/index.ts';
import {
  type Administration,
  type Editor,
  type Plan,
  type Refusal,
  type Result,
  refused,
} from './administration.ts';
import type { Invite } from './invite.ts';
import { type Kept, pageOfKept } from './page-of-kept.ts';
import { faultOf, givesPosition, keepsAdministrator, type Position, withPosition } from './rules.ts';

/** A person, as far as an organisation is shown him. */
export interface Member extends MemberPlace {
  /** The person's opaque id. */
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly role: string;
  /** Whether a password has been set, and a second factor enabled: false of who has not accepted yet (see README). */
  readonly hasPassword: boolean;
  readonly secondFactor: boolean;
  /** When he was taken in, ms since 1970. */
  readonly created: number;
}

/** Which members are asked for; what is not given does not matter. */
export interface MemberFilter {
  /** A part of the address, lower case. */
  readonly email?: string | undefined;
  readonly role?: string | undefined;
  readonly department?: string | undefined;
  readonly customer?: string | undefined;
}

/** What is to be another; what is not given stays. */
export type PositionChange = { readonly [K in keyof Position]?: Position[K] | undefined };

/** The people of organisations: who they are in them, and who may change that. */
export class Members {
  readonly #store: Store;
  readonly #administration: Administration;
  readonly #invite: Invite;
  readonly #now: () => number;

  /** `now`: ms since 1970. */
  constructor(parts: { store: Store; administration: Administration; invite: Invite; now: () => number }) {
    this.#store = parts.store;
    this.#administration = parts.administration;
    this.#invite = parts.invite;
    this.#now = parts.now;
  }

  /** What a person is in an organisation; undefined where nothing. */
  async member(organisation: string, person: string): Promise<Member | undefined> {
    const row = await this.#store.read('member', { organisation, person });
    return row && memberOf(row);
  }

  /** A page of the people whom somebody may see, in the order they were taken in. */
  async list(
    { organisation, reach }: Standing,
    filter: MemberFilter,
    page: {
      readonly after: { readonly created: number; readonly id: string } | undefined;
      readonly limit: number;
    },
  ): Promise<Kept<Member>> {
    const { items, more } = await pageOfKept(
      (row: MemberRow | undefined, limit) =>
        this.#store.read('members', {
          organisation: organisation.id,
          email: filter.email ?? null,
          role: filter.role ?? null,
          department: filter.department ?? null,
          customer: filter.customer ?? null,
          afterCreated: (row ?? page.after)?.created ?? -1,
          afterId: (row ?? page.after)?.id ?? '',
          limit,
        }),
      (row) => reachesMember(reach, row),
      page.limit,
    );
    return { items: items.map(memberOf), more };
  }

  /** Takes a person into the organisation; one whom nobody knows gets a link to choose a password by. */
  async create(
    editor: Editor,
    { email, name, ...asked }: Position & { readonly email: string; readonly name: string },
  ): Promise<Result<Member>> {
    if (!isMailAddress(email)) return refused('request-invalid', 'body/email: not a mail address');
    const position = positionOf(asked);
    const organisation = editor.standing.organisation.id;
    const result = await this.#administration.change(editor, null, async (state, standing) => {
      const refusal = faultOf(position, state) ?? givesPosition(standing, position, state);
      if (refusal !== undefined) return refusal;
      const missing = await this.#missingPart(organisation, position);
      if (missing !== undefined) return missing;
      const account = await this.#store.read('account', { email });
      const person = account?.id ?? randomUUID();
      const known = account && (await this.#store.read('member', { organisation, person }));
      if (known !== undefined) return refused('conflict', 'this person is a member already');
      const created = this.#now();
      const newPerson = { id: person, email, name, passwordHash: null, operator: 0 as const, created };
      const { role, reach, customer, departments } = position;
      return {
        steps: [
          ...(account === undefined ? [step('addPerson', newPerson)] : []),
          step(
            'addMember',
            { organisation, person, role, reach, customer, called: name, created, arrived: null },
            'some',
          ),
          ...departmentSteps(organisation, person, departments),
        ],
        audit: [
          editor.entry({
            target: { kind: 'user', id: person },
            after: { ...position },
            personal: { of: [person], data: { email, name } },
          }),
        ],
        value: {
          member: memberOf({
            ...position,
            ...{ id: person, email, name, called: name, created },
            ...{ arrived: null, hasPassword: false, secondFactor: false },
          }),
          invitation: {
            kind: account?.hasPassword ? ('taken-in' as const) : ('set-password' as const),
            person: account ?? newPerson,
            organisation: state.organisation,
          },
        },
        otherwise: 'again',
      };
    });
    if (result.kind === 'refused') return result;
    const { member, invitation } = result.value;
    await this.#send(invitation, editor);
    return { kind: 'done', value: member };
  }

  /** Changes what a person is. Departments and customer that a new reach has no use for go with the old one. */
  async patch(editor: Editor, id: string, change: PositionChange): Promise<Result<Member>> {
    const organisation = editor.standing.organisation.id;
    return this.#ofMember(editor, id, async (row, state, standing) => {
      const reach = change.reach ?? row.reach;
      const after = positionOf({
        role: change.role ?? row.role,
        reach,
        departments: change.departments ?? (reach === 'departments' ? row.departments : []),
        customer:
          change.customer !== undefined ? change.customer : reach === 'customer' ? row.customer : null,
      });
      const refusal =
        faultOf(after, state) ??
        givesPosition(standing, after, state) ??
        keepsAdministrator(state, withPosition(state, id, after)) ??
        (await this.#missingPart(organisation, after));
      if (refusal !== undefined) return refusal;
      const { role, customer, departments } = after;
      return {
        steps: [
          step('setMember', { organisation, person: id, role, reach, customer }, 'some'),
          step('clearMemberDepartments', { organisation, person: id }),
          ...departmentSteps(organisation, id, departments),
        ],
        audit: [
          editor.entry({ target: { kind: 'user', id }, before: { ...positionOf(row) }, after: { ...after } }),
        ],
        value: memberOf({ ...row, ...after }),
        otherwise: 'again',
      };
    });
  }

  /** Ends in the organisation what a person began until now: his sessions, and his API tokens. */
  async cutOff(editor: Editor, id: string): Promise<Result<undefined>> {
    const organisation = editor.standing.organisation.id;
    return this.#ofMember(editor, id, () => {
      const at = this.#now();
      return {
        steps: [step('cutOffMember', { organisation, person: id, at }, 'some')],
        audit: [
          editor.entry({ target: { kind: 'user', id }, after: { cutOff: new Date(at).toISOString() } }),
        ],
        value: undefined,
        otherwise: 'again',
      };
    });
  }

  /** Ends a membership, and the API tokens that the person made in the organisation. */
  async remove(editor: Editor, id: string): Promise<Result<undefined>> {
    const organisation = editor.standing.organisation.id;
    return this.#ofMember(editor, id, (row, state) => {
      const refusal = keepsAdministrator(state, withPosition(state, id, null));
      if (refusal !== undefined) return refusal;
      return {
        steps: [
          step('removeMember', { organisation, person: id }, 'some'),
          step('revokeTokensOf', { organisation, person: id }),
          step('forgetStranger', { person: id }),
        ],
        audit: [
          editor.entry({
            target: { kind: 'user', id },
            before: { ...positionOf(row) },
            personal: { of: [id], data: { email: row.email, name: memberOf(row).name } },
          }),
        ],
        value: undefined,
        otherwise: 'again',
      };
    });
  }

  /** Sends the mail of a new member again, with a new link where it had one: to who has not accepted yet. */
  async invite(editor: Editor, id: string): Promise<Result<undefined>> {
    const result = await this.#ofMember(editor, id, (row, state) => {
      if (row.arrived !== null && row.hasPassword) {
        return refused('conflict', 'this person has a password: a lost one is reset from the login page');
      }
      return {
        steps: [step('releaseMember', { organisation: state.organisation.id, person: id })],
        audit: [editor.entry({ target: { kind: 'user', id } })],
        value: {
          kind: row.hasPassword ? ('taken-in' as const) : ('set-password' as const),
          person: row,
          organisation: state.organisation,
        },
        otherwise: 'again',
      };
    });
    if (result.kind === 'refused') return result;
    await this.#send(result.value, editor);
    return { kind: 'done', value: undefined };
  }

  /** A change of somebody who is there, and who has no more than who changes him. */
  #ofMember<T>(
    editor: Editor,
    id: string,
    judge: (
      row: MemberRow,
      state: AdministrationRow,
      standing: Standing,
    ) => Promise<Plan<T> | Refusal> | Plan<T> | Refusal,
  ): Promise<Result<T>> {
    const organisation = editor.standing.organisation.id;
    return this.#administration.change(editor, { kind: 'user', id }, async (state, standing) => {
      const row = await this.#store.read('member', { organisation, person: id });
      if (row === undefined) return refused('not-found', 'there is no such person here');
      return givesPosition(standing, row, state) ?? judge(row, state, standing);
    });
  }

  /** Refuses a department or customer that this organisation has not got. */
  async #missingPart(organisation: string, position: Position): Promise<Refusal | undefined> {
    const { departments, customer } = position;
    for (const id of departments) {
      if ((await this.#store.read('department', { organisation, id })) === undefined) {
        return refused('request-invalid', `body/departments: there is no department ${id}`);
      }
    }
    if (
      customer !== null &&
      (await this.#store.read('customer', { organisation, id: customer })) === undefined
    ) {
      return refused('request-invalid', `body/customer: there is no customer ${customer}`);
    }
    return undefined;
  }

  async #send(
    {
      kind,
      person,
      organisation,
    }: Omit<Parameters<Invite>[0], 'by' | 'organisation'> & {
      readonly organisation: { readonly id: string; readonly name: string };
    },
    { person: by }: Editor,
  ): Promise<void> {
    await this.#invite({
      kind,
      person: { id: person.id, email: person.email, name: person.name },
      organisation: { id: organisation.id, name: organisation.name },
      by,
    });
  }
}

/**
 * Until somebody has accepted it, he is shown as who invited him said him to be: an organisation does not learn whether,
 * and as whom, others know the address.
 */
function memberOf(row: MemberRow): Member {
  const { id, email, created, arrived } = row;
  const shown = {
    name: arrived === null ? (row.called ?? row.name) : row.name,
    hasPassword: arrived !== null && row.hasPassword,
    secondFactor: arrived !== null && row.secondFactor,
  };
  return { id, email, created, ...shown, ...positionOf(row) };
}

function positionOf({ role, reach, departments, customer }: Position): Position {
  return { role, reach, departments: [...new Set(departments)].sort(), customer };
}

function departmentSteps(organisation: string, person: string, departments: readonly string[]): Step[] {
  return departments.map((department) =>
    step('addMemberDepartment', { organisation, person, department }, 'some'),
  );
}
