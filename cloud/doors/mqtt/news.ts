import {
  type AlarmMessage,
  type ApplicationEvents,
  type ApplicationReadings,
  events,
  isEventCode,
} from '@loadline/sdk/contract';
import { tagName } from '@loadline/sdk/t24';
import type { Directory, LiveEvent, LiveSeries } from '../../router/index.ts';
import type { News } from './application-session.ts';

/** What was committed of a series, as the message that tells of it; nothing where its device is no more. */
export function readingsNews(series: LiveSeries, directory: Directory): News[] {
  const { device: id, tag, aspect, name, unit, points, skipped } = series;
  const device = directory.device(id);
  if (device === undefined || points.length === 0) return [];
  const payload = once((): ApplicationReadings => {
    return {
      device: id,
      tag: tagName(tag),
      ...(name !== null && { name }),
      ...(unit !== null && { unit }),
      aspect,
      points: points.map(([time, value]) => [time, value]),
      ...(skipped > 0 && { skipped }),
    };
  });
  return [{ device, channel: 'readings', series, payload }];
}

/** What happened, as one message for each device. `skipped`: events of all of them that were left out. */
export function eventsNews(happened: readonly LiveEvent[], skipped: number, directory: Directory): News[] {
  return [...Map.groupBy(happened, ({ device }) => device)].flatMap(([id, ofDevice]): News[] => {
    const device = directory.device(id);
    if (device === undefined) return [];
    const payload = once(
      (): ApplicationEvents => ({
        device: id,
        events: ofDevice.map(describe),
        ...(skipped > 0 && { isIncomplete: true }),
      }),
    );
    return [{ device, channel: 'events', events: ofDevice, payload }];
  });
}

/** An alarm, as the message that tells of it; nothing where its device is no more. */
export function alarmNews(alarm: AlarmMessage, directory: Directory): News[] {
  const device = directory.device(alarm.device);
  return device === undefined ? [] : [{ device, channel: 'alarms', payload: once(() => alarm) }];
}

function describe(event: LiveEvent): ApplicationEvents['events'][number] {
  const { time, monotonic: monotonicMs, epoch, number, code, subject, detail } = event;
  const severity = isEventCode(code) ? events[code].severity : null;
  return { time, monotonicMs, epoch, number, code, severity, subject, detail };
}

/** The message as JSON, made when it is first asked for. */
function once(message: () => unknown): () => string {
  let text: string | undefined;
  return () => {
    text ??= JSON.stringify(message());
    return text;
  };
}
