import type { Operations, ReplyOf } from '@loadline/sdk/api';
import type { Grants } from '../../../people/index.ts';
import type { GrantRow } from '../../../store/index.ts';
import type { Handlers } from '../call.ts';
import { pageByKey } from '../places.ts';
import { doneOf, editorOf, isoTime } from './editing.ts';

/** What fleet operators have been granted in an organisation. */
export function grantHandlers({
  grants,
}: {
  grants: Grants;
}): Pick<Handlers, 'listGrants' | 'createGrant' | 'deleteGrant'> {
  return {
    async listGrants({ input: { query }, standing }) {
      const page = pageByKey(
        await grants.list(standing),
        query,
        ({ created, id }) => `${String(created).padStart(16, '0')} ${id}`,
      );
      return { items: page.items.map(describe), next: page.next };
    },

    async createGrant(call) {
      return describe(doneOf(await grants.create(editorOf(call), call.input.body)));
    },

    async deleteGrant(call) {
      return doneOf(await grants.remove(editorOf(call), call.input.grant));
    },
  };
}

function describe(grant: GrantRow): ReplyOf<Operations['createGrant']> {
  return {
    ...grant,
    operator: { ...grant.operator },
    created: isoTime(grant.created),
    expires: isoTime(grant.expires),
  };
}
