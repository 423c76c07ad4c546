import type { AlarmMessage } from '@loadline/sdk/contract';
import { reachesDevice, type Standing } from '../../../access/index.ts';
import { type Alarm, type Alarms, describeAlarm } from '../../../alarms/index.ts';
import type { Handlers } from '../call.ts';
import { pageOf } from '../pages.ts';
import { Problem } from '../problem.ts';
import { nameOf } from './downlink.ts';

/** What an organisation is to look at. */
export function alarmHandlers({
  alarms,
}: {
  alarms: Pick<Alarms, 'of' | 'one' | 'see'>;
}): Pick<Handlers, 'listAlarms' | 'patchAlarm'> {
  return {
    async listAlarms({ input: { query }, standing }) {
      const { device, seen } = query;
      const all = await alarms.of(standing.organisation.id);
      const shown = all
        .filter((one) => reachesDevice(standing.reach, one.device))
        .filter((one) => device === undefined || one.device.id === device)
        .filter((one) => seen === undefined || (one.seen !== null) === (seen === 'true'));
      return pageOf(
        shown.map((one) => toldTo(one, standing)),
        query,
        ({ id }) => id,
      );
    },

    async patchAlarm({ input, caller, standing, entry }) {
      const organisation = standing.organisation.id;
      const before = await alarms.one(organisation, input.alarm);
      if (before === undefined || !reachesDevice(standing.reach, before.device)) throw notFound();
      const target = { kind: 'device', id: before.device.id };
      await alarms.see(before, nameOf(caller), entry({ target, after: { alarm: before.id, seen: true } }));
      const after = await alarms.one(organisation, input.alarm);
      if (after === undefined) throw notFound();
      return toldTo(after, standing);
    },
  };
}

/** Customers' people see none of the organisation's. */
function toldTo(alarm: Alarm, { reach }: Standing): AlarmMessage {
  const told = describeAlarm(alarm);
  if (told.seen === null || reach.customer === null) return told;
  return { ...told, seen: { ...told.seen, by: 'the organisation' } };
}

function notFound(): Problem {
  return new Problem(404, 'not-found', 'there is no such thing');
}
