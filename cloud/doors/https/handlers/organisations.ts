import type { Operations, ReplyOf } from '@loadline/sdk/api';
import type { Organisations } from '../../../people/index.ts';
import type { GatewayUpdates } from '../../../rollouts/index.ts';
import type { Directory } from '../../../router/index.ts';
import type { OrganisationRow } from '../../../store/index.ts';
import type { Handlers } from '../call.ts';
import { Problem } from '../problem.ts';
import { doneOf, editorOf, isoTime } from './editing.ts';

/** An organisation's name and policies. */
export function organisationHandlers({
  organisations,
  updates,
  directory,
}: {
  organisations: Organisations;
  updates: GatewayUpdates;
  directory: Directory;
}): Pick<Handlers, 'getOrganisation' | 'patchOrganisation' | 'cutOffOrganisation'> {
  return {
    async getOrganisation({ standing }) {
      const row = await organisations.organisation(standing.organisation.id);
      if (row === undefined) throw new Problem(404, 'not-found', 'there is no such thing');
      return describe(row);
    },

    async patchOrganisation(call) {
      const { input, standing } = call;
      const patched = doneOf(await organisations.patch(editorOf(call), input.body));
      if (input.body.updates !== undefined) {
        updates.changedOf(directory.devicesOf(standing.organisation).map(({ id }) => id));
      }
      return describe(patched);
    },

    async cutOffOrganisation(call) {
      return doneOf(await organisations.cutOff(editorOf(call)));
    },
  };
}

function describe(row: OrganisationRow): ReplyOf<Operations['getOrganisation']> {
  const { id, name, isolation, secondFactor, tokenDays, auditDays, sockets, readingsDays } = row;
  const { certificateGraceDays, updates, cutOff, created } = row;
  return {
    ...{ id, name, isolation, secondFactor, tokenDays, auditDays, sockets, readingsDays },
    certificateGraceDays,
    updates,
    cutOff: cutOff === null ? null : isoTime(cutOff),
    created: isoTime(created),
  };
}
