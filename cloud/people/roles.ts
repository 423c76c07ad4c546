import { expandScopes } from '@loadline/sdk/api';
import type { Standing } from '../access/index.ts';
import { type Store, step } from '../store/index.ts';
import { type Administration, type Editor, type Result, refused } from './administration.ts';
import { givesEverywhere, isBuiltIn, keepsAdministrator, type Role, rolesOf, wholeOnly } from './rules.ts';

/** The roles of organisations: those that each has, and those it made itself. */
export class Roles {
  readonly #store: Store;
  readonly #administration: Administration;
  readonly #now: () => number;

  /** `now`: ms since 1970. */
  constructor(parts: { store: Store; administration: Administration; now: () => number }) {
    this.#store = parts.store;
    this.#administration = parts.administration;
    this.#now = parts.now;
  }

  /** The roles that somebody may see: for a customer's people, those of customers. */
  async list({ organisation, reach }: Standing): Promise<Role[]> {
    const { roles } = await this.#administration.state(organisation.id);
    return rolesOf(roles).filter((one) => reach.customer === null || one.of === 'customer');
  }

  async role(standing: Standing, id: string): Promise<Role | undefined> {
    return (await this.list(standing)).find((one) => one.id === id);
  }

  async create(
    editor: Editor,
    { id, name, scopes }: { readonly id: string; readonly name: string; readonly scopes: readonly string[] },
  ): Promise<Result<Role>> {
    const organisation = editor.standing.organisation.id;
    const taken = refused('conflict', `there is a role ${id} already`);
    if (isBuiltIn(id)) return taken;
    const target = { kind: 'role', id };
    return this.#administration.change(editor, target, (_, standing) => {
      const refusal = wholeOnly(standing) ?? givesEverywhere(standing, expandScopes(scopes));
      if (refusal !== undefined) return refusal;
      return {
        steps: [step('addOwnRole', { organisation, id, name, scopes: JSON.stringify(scopes) })],
        audit: [editor.entry({ target, after: { name, scopes: [...scopes] } })],
        value: { id, name, scopes, builtIn: false, of: 'organisation' },
        otherwise: taken,
      };
    });
  }

  /** Changes a role for everybody who has it: whoever does must have what it opened and what it is to open. */
  async patch(
    editor: Editor,
    id: string,
    change: { readonly name?: string | undefined; readonly scopes?: readonly string[] | undefined },
  ): Promise<Result<Role>> {
    if (isBuiltIn(id)) return ofEveryOrganisation;
    const organisation = editor.standing.organisation.id;
    const target = { kind: 'role', id };
    return this.#administration.change(editor, target, (state, standing) => {
      const before = state.roles.find((one) => one.id === id);
      if (before === undefined) return refused('not-found', 'there is no such role');
      const after = { id, name: change.name ?? before.name, scopes: change.scopes ?? before.scopes };
      const roles = state.roles.map((one) => (one.id === id ? after : one));
      const refusal =
        wholeOnly(standing) ??
        givesEverywhere(standing, expandScopes([...before.scopes, ...after.scopes])) ??
        keepsAdministrator(state, { ...state, roles });
      if (refusal !== undefined) return refusal;
      const { name, scopes } = after;
      return {
        steps: [step('setOwnRole', { organisation, id, name, scopes: JSON.stringify(scopes) }, 'some')],
        audit: [
          editor.entry({
            target,
            before: { name: before.name, scopes: [...before.scopes] },
            after: { name, scopes: [...scopes] },
          }),
        ],
        value: { ...after, builtIn: false, of: 'organisation' },
        otherwise: 'again',
      };
    });
  }

  /** Deletes a role that nobody has. */
  async remove(editor: Editor, id: string): Promise<Result<undefined>> {
    if (isBuiltIn(id)) return ofEveryOrganisation;
    const organisation = editor.standing.organisation.id;
    const target = { kind: 'role', id };
    return this.#administration.change(editor, target, (state, standing) => {
      const before = state.roles.find((one) => one.id === id);
      if (before === undefined) return refused('not-found', 'there is no such role');
      const refusal = wholeOnly(standing) ?? givesEverywhere(standing, expandScopes(before.scopes));
      if (refusal !== undefined) return refusal;
      return {
        steps: [step('removeOwnRole', { organisation, id, now: this.#now() }, 'some')],
        audit: [editor.entry({ target, before: { name: before.name, scopes: [...before.scopes] } })],
        value: undefined,
        otherwise: refused('conflict', 'somebody has this role: give him another first'),
      };
    });
  }
}

const ofEveryOrganisation = refused('conflict', 'this role is of every organisation, and cannot be changed');
