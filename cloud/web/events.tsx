import { useState } from 'preact/hooks';
import type { Api, DeviceEvent, Series } from './api.ts';
import { subjectOf, whatToDo } from './event-words.ts';
import { formatAge, NOTHING } from './format.ts';
import { usePolling } from './hooks.ts';

interface Props {
  readonly api: Api;
  readonly organisation: string;
  readonly device: string;
  /** Its series: an event about a tag is about what people call it. */
  readonly series: readonly Series[];
  /** Milliseconds since 1970, by the cloud's clock. */
  readonly now: number;
}

/** Milliseconds between two loads. */
const PERIOD = 5_000;

/** Events shown at first, and on demand. */
const FEW = 5;
const MANY = 100;

/** What happened to a device and its sensors, the newest first. */
export function Events({ api, organisation, device, series, now }: Props) {
  const [events, setEvents] = useState<readonly DeviceEvent[]>([]);
  const [isLong, setIsLong] = useState(false);
  const loadNow = usePolling(async () => {
    try {
      // One more than is shown tells whether there are more.
      const query = { limit: isLong ? MANY : FEW + 1 };
      setEvents((await api.call('listEvents', { organisation, device, query })).items);
    } catch {
      // The list of sensors is loaded as often, and its failing is what the page shows.
    }
  }, PERIOD);
  if (events.length === 0) return null;

  const shown = isLong ? events : events.slice(0, FEW);
  const toggle = (): void => {
    setIsLong(!isLong);
    // Once this has been drawn, and the longer list is what a load asks for.
    setTimeout(loadNow);
  };
  return (
    <section class="events" aria-label={`Events of ${device}`}>
      <ul>
        {shown.map((event) => (
          <EventLine key={`${event.epoch}/${event.number}`} event={event} series={series} now={now} />
        ))}
      </ul>
      {(isLong || events.length > FEW) && (
        <button type="button" class="more" onClick={toggle}>
          {isLong ? 'Fewer events' : 'More events'}
        </button>
      )}
    </section>
  );
}

interface LineProps {
  readonly event: DeviceEvent;
  readonly series: readonly Series[];
  readonly now: number;
}

function EventLine({ event, series, now }: LineProps) {
  const { time, code, severity, meaning, subject, detail } = event;
  const about = subjectOf(subject, series);
  const act = whatToDo(event);
  return (
    <li class={`event is-${severity ?? 'info'}`}>
      <time
        class="event-age"
        dateTime={time ?? undefined}
        title={time ?? 'the gateway did not know the time'}
      >
        {time === null ? NOTHING : formatAge(now - Date.parse(time))}
      </time>
      <span>
        <span class="severity">{severity ?? 'event'}</span> {about !== '' && <b>{about}: </b>}
        <span title={code}>{meaning ?? code}</span>
        {detail !== '' && <span class="muted"> ({detail})</span>}
        {act !== undefined && <span class="act">{act}</span>}
      </span>
    </li>
  );
}
