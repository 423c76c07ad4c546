import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Account } from './account.tsx';
import { addressOf } from './address.ts';
import { Alarms } from './alarms.tsx';
import type { Api, Device, Series, Standing } from './api.ts';
import { DeviceState } from './device-state.tsx';
import { Events } from './events.tsx';
import { useNow, usePolling } from './hooks.ts';
import { hasUnknown, inOrder, isNumber, seriesKey, withLive, withLoaded } from './latest.ts';
import { Live, type LivePoints } from './live.ts';
import { organisationHref } from './place.ts';
import { Plot } from './plot.tsx';
import { routes } from './routes.ts';
import { Sensors } from './sensors.tsx';

interface Props {
  readonly api: Api;
  readonly standing: Standing;
  /** Told whenever the link changes: what the page says of it. */
  readonly onLink: (state: LinkState) => void;
}

/** `polled`: answers come, and there is no stream to follow. */
export type LinkState = 'live' | 'polled' | 'lost';

/** Milliseconds between two loads of the list: flags, counts and new sensors come by it. */
const LIST_PERIOD = 5_000;

/** Milliseconds in which live values gather before the list is drawn. */
const DRAW_PERIOD = 250;

/** Milliseconds after which an unknown series makes the list load again: it may be one that is not to be seen yet. */
const UNKNOWN_PERIOD = 1_000;

/** Sensors, their plot and their account, live; of these, what the caller's scopes allow. */
export function Dashboard({ api, standing, onLink }: Props) {
  const organisation = standing.organisation.id;
  const may = (scope: string): boolean => standing.scopes.includes(scope);
  const follows = may('live.get');
  const live = useMemo(
    () => (follows ? new Live(addressOf(routes.followReadings[1], { organisation })) : undefined),
    [follows, organisation],
  );
  const [devices, setDevices] = useState<readonly Device[]>([]);
  const [list, setList] = useState<readonly Series[] | undefined>();
  const [isOpen, setIsOpen] = useState(false);
  const [isAnswering, setIsAnswering] = useState(true);
  const [chosen, setChosen] = useState<readonly string[] | undefined>();
  const now = useNow(api);
  const shown = useRef<readonly Series[]>([]);

  const loadNow = usePolling(async () => {
    try {
      const [newDevices, loaded] = await Promise.all([
        may('devices.get') ? api.all('listDevices', { organisation }) : [],
        may('series.get') ? api.all('listSeries', { organisation }) : [],
      ]);
      shown.current = inOrder(withLoaded(shown.current, loaded));
      setDevices(newDevices);
      setList(shown.current);
      setChosen((before) => before ?? firstChoice(loaded));
      // Answers again after a silence: the stream may have died with nobody telling.
      if (!isAnswering) live?.open();
      setIsAnswering(true);
    } catch {
      setIsAnswering(false);
    }
  }, LIST_PERIOD);

  useEffect(() => {
    if (live === undefined) return;
    let gathered: LivePoints[] = [];
    let drawing: ReturnType<typeof setTimeout> | undefined;
    let askedForUnknown = 0;
    const draw = (): void => {
      drawing = undefined;
      shown.current = withLive(shown.current, gathered);
      if (hasUnknown(shown.current, gathered) && Date.now() - askedForUnknown > UNKNOWN_PERIOD) {
        askedForUnknown = Date.now();
        loadNow();
      }
      gathered = [];
      setList((before) => before && shown.current);
    };
    const unsubscribe = live.subscribe((event) => {
      switch (event.kind) {
        case 'readings':
          gathered.push(...event.series);
          drawing ??= setTimeout(draw, DRAW_PERIOD);
          return;
        case 'opened':
          setIsOpen(true);
          loadNow();
          return;
        case 'lost':
          setIsOpen(false);
          // If it is the session that is over, this is refused.
          loadNow();
          return;
      }
    });
    live.open();
    return () => {
      clearTimeout(drawing);
      unsubscribe();
      live.close();
    };
  }, [live, loadNow]);

  const selection = chosen ?? [];
  const choose = (key: string, isChosen: boolean): void =>
    setChosen(isChosen ? withChosen(list ?? [], selection, key) : selection.filter((one) => one !== key));
  const isLive = isOpen && isAnswering;
  const link = isLive ? 'live' : follows || !isAnswering ? 'lost' : 'polled';
  useEffect(() => onLink(link), [link, onLink]);
  const isKnown = isAnswering && (isOpen || !follows);
  return (
    <>
      {may('alarms.get') && (
        <Alarms
          api={api}
          organisation={organisation}
          devices={devices}
          maySee={may('alarm.patch')}
          now={now}
        />
      )}
      {list === undefined && <p role="status">Loading sensors…</p>}
      {list?.length === 0 && <p role="status">{emptyWords(may('series.get'))}</p>}
      {list !== undefined && list.length > 0 && may('readings.get') && (
        <Plot
          api={api}
          organisation={organisation}
          live={live}
          series={list.filter((one) => selection.includes(seriesKey(one)))}
        />
      )}
      {deviceIds(devices, list ?? []).map((id) => (
        <section class="gateway" key={id} aria-labelledby={`device-${id}`}>
          <DeviceHeading id={id} device={devices.find((device) => device.id === id)} isKnown={isKnown} />
          {may('series.get') && (
            <Sensors
              list={(list ?? []).filter(({ device }) => device === id)}
              hasTags={devices.find((device) => device.id === id)?.kind !== 'software'}
              selection={selection}
              onChoose={choose}
              now={now}
            />
          )}
          {may('events.get') && (
            <Events
              api={api}
              organisation={organisation}
              device={id}
              series={(list ?? []).filter(({ device }) => device === id)}
              now={now}
            />
          )}
          {may('ledger.get') && (
            <Account
              api={api}
              organisation={organisation}
              device={id}
              details={
                may('devices.get') && may('device.get')
                  ? organisationHref(organisation, 'devices', id)
                  : undefined
              }
            />
          )}
        </section>
      ))}
    </>
  );
}

function emptyWords(maySeeSeries: boolean): string {
  return maySeeSeries
    ? 'No readings yet. Sensors appear here with their first reading.'
    : 'Your role shows you no readings here.';
}

interface HeadingProps {
  readonly id: string;
  /** Undefined for who may not list devices, and where the device has gone and left readings. */
  readonly device: Device | undefined;
  /** Whether what is said of its connection still holds. */
  readonly isKnown: boolean;
}

function DeviceHeading({ id, device, isKnown }: HeadingProps) {
  const name = device?.name ?? id;
  return (
    <div class="gateway-heading">
      <h2 id={`device-${id}`}>
        {name} {name !== id && <span class="tag">{id}</span>}
      </h2>
      {device?.kind === 'software' && <span class="badge">software</span>}
      {isKnown && device !== undefined && <DeviceState {...device} />}
      {device?.runtime && <span class="muted">{device.runtime}</span>}
    </div>
  );
}

/** Devices without readings are shown too, and so are those that are gone and left readings. */
function deviceIds(devices: readonly Device[], list: readonly Series[]): readonly string[] {
  const ids = new Set([...devices.map(({ id }) => id), ...list.map(({ device }) => device)]);
  return [...ids].sort(new Intl.Collator('en', { numeric: true }).compare);
}

/**
 * So that the plot is not empty at first: a sensor that somebody gave a name, before those nobody did. Nothing while
 * there is none.
 */
function firstChoice(list: readonly Series[]): readonly string[] | undefined {
  const numeric = inOrder(list).filter(({ latest }) => latest !== null && isNumber(latest.value));
  const first = numeric.find(({ name }) => name !== null) ?? numeric[0];
  return first && [seriesKey(first)];
}

/** Sensors of one unit share a scale: one of another unit takes the place of those chosen before. */
function withChosen(list: readonly Series[], selection: readonly string[], key: string): readonly string[] {
  const unitOf = (wanted: string) => list.find((series) => seriesKey(series) === wanted)?.unit;
  return [...selection.filter((one) => unitOf(one) === unitOf(key)), key];
}
