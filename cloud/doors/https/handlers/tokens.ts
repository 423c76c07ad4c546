import type { Operations, ReplyOf } from '@loadline/sdk/api';
import type { ApiTokenRow } from '../../../store/index.ts';
import type { ApiTokens } from '../../../tokens/index.ts';
import type { Handlers } from '../call.ts';
import { cursorAt, placeIn, timePlace } from '../places.ts';
import { Problem } from '../problem.ts';
import { doneOf, isoTime, makerOf } from './editing.ts';

/** API tokens: make, list, read, switch, revoke. */
export function tokenHandlers({
  tokens,
}: {
  tokens: ApiTokens;
}): Pick<Handlers, 'listTokens' | 'createToken' | 'getToken' | 'patchToken' | 'deleteToken'> {
  return {
    async listTokens(call) {
      const { limit, after, ...filter } = call.input.query;
      const { items, more } = await tokens.list(makerOf(call), filter, {
        after: placeIn(after, timePlace),
        limit,
      });
      const last = items.at(-1);
      return {
        items: items.map(describe),
        next: more && last !== undefined ? cursorAt(last.created, last.id) : null,
      };
    },

    async createToken(call) {
      const { token, value } = doneOf(await tokens.create(makerOf(call), call.input.body));
      return { ...describe(token), value };
    },

    async getToken(call) {
      const token = await tokens.token(makerOf(call), call.input.token);
      if (token === undefined) throw new Problem(404, 'not-found', 'there is no such token');
      return describe(token);
    },

    async patchToken(call) {
      const { token, body } = call.input;
      return describe(doneOf(await tokens.patch(makerOf(call), token, body)));
    },

    async deleteToken(call) {
      return doneOf(await tokens.revoke(makerOf(call), call.input.token));
    },
  };
}

function describe(token: ApiTokenRow): ReplyOf<Operations['getToken']> {
  const { id, name, scopes, devices, tags, status, person, personName, created, expires, used } = token;
  return {
    id,
    name,
    scopes: [...scopes],
    devices: devices && [...devices],
    tags: tags && [...tags],
    status,
    creator: { id: person, name: personName },
    created: isoTime(created),
    expires: isoTime(expires),
    used: used === null ? null : isoTime(used),
  };
}
