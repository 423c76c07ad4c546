import type { Operations, OrganisationLimits, ReplyOf } from '@loadline/sdk/api';
import { beyond, type Metering } from '../../../limits/index.ts';
import { actsForWhole } from '../../../people/index.ts';
import { type Store, step } from '../../../store/index.ts';
import type { Handlers } from '../call.ts';
import { Problem } from '../problem.ts';

type Reply = ReplyOf<Operations['getLimits']>;

const minuteMilliseconds = 60_000;

/** What may be used: read by who is limited, and set by who stands above. */
export function limitHandlers({
  store,
  metering,
  now,
}: {
  store: Store;
  metering: Metering;
  /** Milliseconds since 1970. */
  now: () => number;
}): Pick<
  Handlers,
  'getLimits' | 'getDeviceLimits' | 'setDeviceLimits' | 'getOrganisationLimits' | 'setOrganisationLimits'
> {
  const describe = (of: 'organisation' | 'device', id: string): Reply => {
    const spending = metering.spending(of, id);
    const used = (per: 'ofDay' | 'ofMonth') => ({
      messages: spending[per]('messages'),
      readings: spending[per]('readings'),
      bytes: spending[per]('bytes'),
      connectionMinutes: Math.floor(spending[per]('milliseconds') / minuteMilliseconds),
    });
    return {
      limits: of === 'organisation' ? metering.limitsOf(of, id) : metering.limitsOf(of, id),
      set: metering.setOf(of, id),
      used: { day: used('ofDay'), month: used('ofMonth') },
    };
  };
  const setting = (of: 'organisation' | 'device', id: string, limits: OrganisationLimits) =>
    step('setLimits', { of, id, settings: JSON.stringify(limits), at: now() }, 'some');
  const known = async (organisation: string) => {
    if ((await store.read('organisation', { id: organisation })) === undefined)
      throw new Problem(404, 'not-found', 'there is no such organisation');
  };

  return {
    getLimits({ standing }) {
      if (!actsForWhole(standing)) {
        const detail = 'limits of an organisation are of the whole of it, and you act for a part';
        throw new Problem(403, 'more-than-own', detail);
      }
      return describe('organisation', standing.organisation.id);
    },
    getDeviceLimits: ({ device }) => describe('device', device.id),

    async setDeviceLimits({ input: { body }, device, entry }) {
      const { id, organisation } = device;
      const over = beyond(body, metering.limitsOf('organisation', organisation.id));
      if (over.length > 0) {
        const detail = `a device has no more than its organisation together: ${over.join(', ')}`;
        throw new Problem(403, 'more-than-own', detail);
      }
      const audit = [
        entry({ target: { kind: 'device', id }, before: metering.setOf('device', id), after: body }),
      ];
      await store.change({ steps: [setting('device', id, body)], audit });
      metering.set('device', id, body);
      return describe('device', id);
    },

    async getOrganisationLimits({ input: { organisation } }) {
      await known(organisation);
      return describe('organisation', organisation);
    },

    async setOrganisationLimits({ input: { organisation, body }, entry }) {
      await known(organisation);
      const before = metering.setOf('organisation', organisation);
      const audit = [
        entry({ organisation, target: { kind: 'organisation', id: organisation }, before, after: body }),
      ];
      await store.change({ steps: [setting('organisation', organisation, body)], audit });
      metering.set('organisation', organisation, body);
      return describe('organisation', organisation);
    },
  };
}
