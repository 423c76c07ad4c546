import { useState } from 'preact/hooks';
import type { Alarm, Api, Device } from './api.ts';
import { formatAge } from './format.ts';
import { usePolling } from './hooks.ts';

interface Props {
  readonly api: Api;
  readonly organisation: string;
  /** For what people call them. */
  readonly devices: readonly Device[];
  /** Whether the caller may say that one is seen to. */
  readonly maySee: boolean;
  /** Milliseconds since 1970, by the cloud's clock. */
  readonly now: number;
}

/** Milliseconds between two loads. */
const PERIOD = 10_000;

/** Alarms shown at most: there is one a device and kind. */
const MOST = 20;

/** What the organisation is to look at, and nobody has seen to yet; nothing where there is nothing. */
export function Alarms({ api, organisation, devices, maySee, now }: Props) {
  const [alarms, setAlarms] = useState<readonly Alarm[]>([]);
  const loadNow = usePolling(async () => {
    try {
      setAlarms(
        (await api.call('listAlarms', { organisation, query: { seen: 'false', limit: MOST } })).items,
      );
    } catch {
      // The list of sensors is loaded as often, and its failing is what the page shows.
    }
  }, PERIOD);
  const see = async (alarm: string): Promise<void> => {
    await api.call('patchAlarm', { organisation, alarm, body: { seen: true } }).catch(() => undefined);
    loadNow();
  };
  if (alarms.length === 0) return null;
  return (
    <section class="events alarms" aria-label="Alarms" role="alert">
      <ul>
        {alarms.map(({ id, device, kind, meaning, act, last, times, sources }) => (
          <li class="event is-error" key={id}>
            <time class="event-age" dateTime={last} title={last}>
              {formatAge(now - Date.parse(last))}
            </time>
            <span>
              <span class="severity">alarm</span>{' '}
              <b>{devices.find((one) => one.id === device)?.name ?? device}: </b>
              <span title={kind}>{meaning}</span>
              <span class="muted">
                {' '}
                ({[...sources.map((source) => `from ${source}`), `${times} ×`].join(', ')})
              </span>
              <span class="act">{act}</span>
              {maySee && (
                <button type="button" class="more" onClick={() => void see(id)}>
                  I have seen to it
                </button>
              )}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
