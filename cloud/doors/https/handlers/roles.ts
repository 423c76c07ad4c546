import type { Operations, ReplyOf } from '@loadline/sdk/api';
import type { Role, Roles } from '../../../people/index.ts';
import type { Handlers } from '../call.ts';
import { pageByKey } from '../places.ts';
import { Problem } from '../problem.ts';
import { doneOf, editorOf } from './editing.ts';

/** Roles: named sets of scopes. */
export function roleHandlers({
  roles,
}: {
  roles: Roles;
}): Pick<Handlers, 'listRoles' | 'createRole' | 'getRole' | 'patchRole' | 'deleteRole'> {
  return {
    async listRoles({ input: { query }, standing }) {
      const all = (await roles.list(standing)).map((role, index) => ({ role, index }));
      // Those of every organisation stand in the order of their table, which no change of an own one moves.
      const page = pageByKey(all, query, ({ role, index }) =>
        role.builtIn ? `0${String(index).padStart(3, '0')}` : `1${role.id}`,
      );
      return { items: page.items.map(({ role }) => describe(role)), next: page.next };
    },

    async createRole(call) {
      return describe(doneOf(await roles.create(editorOf(call), call.input.body)));
    },

    async getRole({ input, standing }) {
      const role = await roles.role(standing, input.role);
      if (role === undefined) throw new Problem(404, 'not-found', 'there is no such role');
      return describe(role);
    },

    async patchRole(call) {
      return describe(doneOf(await roles.patch(editorOf(call), call.input.role, call.input.body)));
    },

    async deleteRole(call) {
      return doneOf(await roles.remove(editorOf(call), call.input.role));
    },
  };
}

function describe(role: Role): ReplyOf<Operations['getRole']> {
  return { ...role, scopes: [...role.scopes] };
}
