import type { Operations, ReplyOf } from '@loadline/sdk/api';
import type { ApplicationRow } from '../../../store/index.ts';
import type { Applications } from '../../../tokens/index.ts';
import type { Handlers } from '../call.ts';
import { cursorAt, placeIn, timePlace } from '../places.ts';
import { Problem } from '../problem.ts';
import { doneOf, isoTime, makerOf } from './editing.ts';

/** Applications: programs that follow devices over MQTT. */
export function applicationHandlers({
  applications,
}: {
  applications: Applications;
}): Pick<
  Handlers,
  'listApplications' | 'createApplication' | 'getApplication' | 'patchApplication' | 'deleteApplication'
> {
  return {
    async listApplications(call) {
      const { limit, after } = call.input.query;
      const page = { after: placeIn(after, timePlace), limit };
      const { items, more } = await applications.list(makerOf(call), page);
      const last = items.at(-1);
      return {
        items: items.map(describe),
        next: more && last !== undefined ? cursorAt(last.created, last.id) : null,
      };
    },

    async createApplication(call) {
      return describe(doneOf(await applications.create(makerOf(call), call.input.body)));
    },

    async getApplication(call) {
      const application = await applications.application(makerOf(call), call.input.application);
      if (application === undefined) throw new Problem(404, 'not-found', 'there is no such application');
      return describe(application);
    },

    async patchApplication(call) {
      const { application, body } = call.input;
      return describe(doneOf(await applications.patch(makerOf(call), application, body)));
    },

    async deleteApplication(call) {
      return doneOf(await applications.remove(makerOf(call), call.input.application));
    },
  };
}

function describe({ id, name, devices, created }: ApplicationRow): ReplyOf<Operations['getApplication']> {
  return { id, name, devices: devices && [...devices], created: isoTime(created) };
}
