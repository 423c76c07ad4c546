import type { Operations, ReplyOf } from '@loadline/sdk/api';
import type { Member, Members } from '../../../people/index.ts';
import type { Handlers } from '../call.ts';
import { cursorAt, placeIn, timePlace } from '../places.ts';
import { doneOf, editorOf, isoTime } from './editing.ts';

/** The people of an organisation: take in, read, change, invite again, and part with. */
export function memberHandlers({
  members,
}: {
  members: Members;
}): Pick<
  Handlers,
  'listUsers' | 'createUser' | 'getUser' | 'patchUser' | 'cutOffUser' | 'deleteUser' | 'inviteUser'
> {
  return {
    async listUsers({ input: { query }, standing }) {
      const { limit, after, email, ...filter } = query;
      const page = await members.list(
        standing,
        { ...filter, email: email?.toLowerCase() },
        { after: placeIn(after, timePlace), limit },
      );
      const last = page.items.at(-1);
      return {
        items: page.items.map(describe),
        next: page.more && last !== undefined ? cursorAt(last.created, last.id) : null,
      };
    },

    async createUser(call) {
      return describe(doneOf(await members.create(editorOf(call), call.input.body)));
    },

    getUser: ({ member }) => describe(member),

    async patchUser(call) {
      return describe(doneOf(await members.patch(editorOf(call), call.member.id, call.input.body)));
    },

    async cutOffUser(call) {
      return doneOf(await members.cutOff(editorOf(call), call.member.id));
    },

    async deleteUser(call) {
      return doneOf(await members.remove(editorOf(call), call.member.id));
    },

    async inviteUser(call) {
      return doneOf(await members.invite(editorOf(call), call.member.id));
    },
  };
}

function describe(member: Member): ReplyOf<Operations['getUser']> {
  return { ...member, departments: [...member.departments], created: isoTime(member.created) };
}
