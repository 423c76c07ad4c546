import type { Operations, ReplyOf } from '@loadline/sdk/api';
import type { CredentialDesk } from '../../../devices/index.ts';
import type { CredentialRow } from '../../../store/index.ts';
import type { Handlers } from '../call.ts';
import { pageOf } from '../pages.ts';
import { demandInService, doneOf, isoTime, makerOf } from './editing.ts';

/** What devices prove themselves by: make, list, read, switch, revoke. */
export function deviceCredentialHandlers({
  credentials,
}: {
  credentials: CredentialDesk;
}): Pick<
  Handlers,
  | 'listDeviceCredentials'
  | 'createDeviceCredential'
  | 'getDeviceCredential'
  | 'patchDeviceCredential'
  | 'deleteDeviceCredential'
> {
  return {
    listDeviceCredentials({ input: { query }, device }) {
      return pageOf(credentials.list(device).map(describe), query, ({ created, id }) => `${created} ${id}`);
    },

    async createDeviceCredential(call) {
      demandInService(call.device);
      const { credential, secret } = doneOf(
        await credentials.create(makerOf(call), call.device, call.input.body),
      );
      return { ...describe(credential), secret };
    },

    getDeviceCredential: ({ input, device }) => describe(doneOf(credentials.get(device, input.credential))),

    async patchDeviceCredential(call) {
      const { credential: id, body } = call.input;
      return describe(doneOf(await credentials.patch(makerOf(call), call.device, id, body)));
    },

    async deleteDeviceCredential(call) {
      return doneOf(await credentials.revoke(makerOf(call), call.device, call.input.credential));
    },
  };
}

function describe(credential: CredentialRow): ReplyOf<Operations['getDeviceCredential']> {
  const { id, kind, name, status, replaces, created, expires, used } = credential;
  return {
    id,
    kind,
    name,
    status,
    replaces,
    created: isoTime(created),
    expires: expires === null ? null : isoTime(expires),
    used: used === null ? null : isoTime(used),
  };
}
