import type { DeviceEvent, Series } from './api.ts';

/** What an event is about, in people's words: the name of the sensor where the subject is a tag that has one. */
export function subjectOf(subject: string, series: readonly Pick<Series, 'tag' | 'name'>[]): string {
  const name = series.find(({ tag }) => tag === subject)?.name;
  return name ?? subject;
}

/** What somebody should do about an event, as a sentence; undefined where there is nothing to do, or nobody knows. */
export function whatToDo({ severity, act }: Pick<DeviceEvent, 'severity' | 'act'>): string | undefined {
  if (severity === 'info' || act === null || act.startsWith('nothing')) return undefined;
  return `${act.charAt(0).toUpperCase()}${act.slice(1)}.`;
}
