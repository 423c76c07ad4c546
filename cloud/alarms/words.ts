import { type AlarmMessage, alarms } from '@loadline/sdk/contract';
import type { Alarm } from './alarms.ts';
import { sourcesOf } from './clone-detail.ts';

/** An alarm as it is told: over the API, and live. */
export function describeAlarm({ id, device, kind, first, last, times, detail, seen }: Alarm): AlarmMessage {
  const { evidence, epochs } = detail;
  return {
    ...{ id, device: device.id, kind, ...alarms[kind] },
    ...{ first: iso(first), last: iso(last), times, evidence },
    sources: sourcesOf(detail),
    epochs: epochs.map(({ at, ...one }) => ({ ...one, last: iso(at) })),
    seen: seen && { at: iso(seen.at), by: seen.by },
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
