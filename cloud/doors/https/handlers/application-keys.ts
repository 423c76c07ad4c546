import type { Operations, ReplyOf } from '@loadline/sdk/api';
import type { ApplicationKeyRow } from '../../../store/index.ts';
import type { ApplicationKeys } from '../../../tokens/index.ts';
import type { Handlers } from '../call.ts';
import { cursorAt, placeIn, timePlace } from '../places.ts';
import { doneOf, isoTime, makerOf } from './editing.ts';

/** The keys of applications: make, list, read, switch, revoke. */
export function applicationKeyHandlers({
  applicationKeys,
}: {
  applicationKeys: ApplicationKeys;
}): Pick<
  Handlers,
  | 'listApplicationKeys'
  | 'createApplicationKey'
  | 'getApplicationKey'
  | 'patchApplicationKey'
  | 'deleteApplicationKey'
> {
  return {
    async listApplicationKeys(call) {
      const { application, query } = call.input;
      const page = { after: placeIn(query.after, timePlace), limit: query.limit };
      const { items, more } = doneOf(await applicationKeys.list(makerOf(call), application, page));
      const last = items.at(-1);
      return {
        items: items.map(describe),
        next: more && last !== undefined ? cursorAt(last.created, last.id) : null,
      };
    },

    async createApplicationKey(call) {
      const { application, body } = call.input;
      const { key, secret } = doneOf(await applicationKeys.create(makerOf(call), application, body));
      return { ...describe(key), secret };
    },

    async getApplicationKey(call) {
      const { application, key } = call.input;
      return describe(doneOf(await applicationKeys.key(makerOf(call), application, key)));
    },

    async patchApplicationKey(call) {
      const { application, key: id, body } = call.input;
      return describe(doneOf(await applicationKeys.patch(makerOf(call), { application, id }, body)));
    },

    async deleteApplicationKey(call) {
      const { application, key } = call.input;
      return doneOf(await applicationKeys.revoke(makerOf(call), application, key));
    },
  };
}

function describe(key: ApplicationKeyRow): ReplyOf<Operations['getApplicationKey']> {
  const { id, name, devices, tags, topics, status, created, expires, used } = key;
  return {
    id,
    name,
    devices: devices && [...devices],
    tags: tags && [...tags],
    topics: topics && [...topics],
    status,
    created: isoTime(created),
    expires: expires === null ? null : isoTime(expires),
    used: used === null ? null : isoTime(used),
  };
}
