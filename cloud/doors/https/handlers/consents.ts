import type { Consents } from '../../../people/index.ts';
import type { Handlers } from '../call.ts';
import { pageOf } from '../pages.ts';
import { Problem } from '../problem.ts';
import { isoTime } from './editing.ts';
import { visitorOf } from './visitor.ts';

/** A person's own say in what organisations make him. */
export function consentHandlers({
  consents,
}: {
  consents: Consents;
}): Pick<Handlers, 'listInvitations' | 'acceptInvitation' | 'declineInvitation' | 'leaveOrganisation'> {
  const noInvitation = () => new Problem(404, 'not-found', 'there is no such invitation to you');
  return {
    async listInvitations({ caller, input: { query } }) {
      const page = pageOf(await consents.invitations(caller), query, ({ organisation }) => organisation.id);
      return {
        ...page,
        items: page.items.map(({ organisation, role, created }) => ({
          organisation,
          role,
          invited: isoTime(created),
        })),
      };
    },

    async acceptInvitation(call) {
      if (!(await consents.accept(call.caller, call.input.organisation, visitorOf(call))))
        throw noInvitation();
    },

    async declineInvitation(call) {
      if (!(await consents.decline(call.caller, call.input.organisation, visitorOf(call))))
        throw noInvitation();
    },

    async leaveOrganisation(call) {
      switch (await consents.leave(call.caller, call.input.organisation, visitorOf(call))) {
        case 'left':
          return;
        case 'not-found':
          throw new Problem(404, 'not-found', 'you are no member of such an organisation');
        case 'last-administrator':
          throw new Problem(
            409,
            'last-administrator',
            'the organisation would be left without anybody who administrates it: make another one first',
          );
        case 'conflict':
          throw new Problem(409, 'conflict', 'others are changing the same just now: try again');
      }
    },
  };
}
