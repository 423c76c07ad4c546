import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Account } from './account.tsx';
import { type Api, type Gateway, Problem, type Series, type Session } from './api.ts';
import { Events } from './events.tsx';
import { useNow, usePolling } from './hooks.ts';
import { hasUnknown, inOrder, isNumber, seriesKey, withLive, withLoaded } from './latest.ts';
import { Live, type LivePoints } from './live.ts';
import { Plot } from './plot.tsx';
import { Sensors } from './sensors.tsx';

interface Props {
  readonly api: Api;
  readonly session: Session;
  /** Called when the session is over, with the reason in words; empty after a log-out. */
  readonly onEnd: (notice: string) => void;
}

const SESSION_OVER = 'The session is over. Please log in again.';

/** Milliseconds between two loads of the list: flags, counts and new sensors come by it. */
const LIST_PERIOD = 5_000;

/** Milliseconds in which live values gather before the list is drawn. */
const DRAW_PERIOD = 250;

/** Milliseconds after which an unknown series makes the list load again: it may be one that is not to be seen yet. */
const UNKNOWN_PERIOD = 1_000;

/** Sensors, their plot and their account, live. */
export function Dashboard({ api, session, onEnd }: Props) {
  const live = useMemo(() => new Live(), []);
  const [gateways, setGateways] = useState<readonly Gateway[]>([]);
  const [list, setList] = useState<readonly Series[] | undefined>();
  const [isOpen, setIsOpen] = useState(false);
  const [isAnswering, setIsAnswering] = useState(true);
  const [chosen, setChosen] = useState<readonly string[] | undefined>();
  const now = useNow(api);
  const shown = useRef<readonly Series[]>([]);
  const end = useRef(onEnd);
  end.current = onEnd;

  const fail = (error: unknown): void => {
    if (error instanceof Problem && error.status === 401) end.current(SESSION_OVER);
    else setIsAnswering(false);
  };
  const loadNow = usePolling(async () => {
    try {
      const [newGateways, loaded] = await Promise.all([api.gateways(), api.series()]);
      shown.current = inOrder(withLoaded(shown.current, loaded));
      setGateways(newGateways);
      setList(shown.current);
      setChosen((before) => before ?? firstChoice(loaded));
      // Answers again after a silence: the stream may have died with nobody telling.
      if (!isAnswering) live.open();
      setIsAnswering(true);
    } catch (error) {
      fail(error);
    }
  }, LIST_PERIOD);

  useEffect(() => {
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

  const logOut = async (): Promise<void> => {
    try {
      await api.logOut();
      onEnd('');
    } catch (error) {
      fail(error);
    }
  };

  const selection = chosen ?? [];
  const choose = (key: string, isChosen: boolean): void =>
    setChosen(isChosen ? withChosen(list ?? [], selection, key) : selection.filter((one) => one !== key));
  const isLive = isOpen && isAnswering;
  return (
    <>
      <header class="bar">
        <h1>Loadline</h1>
        <span class="organisation">{session.organisation}</span>
        <span class={isLive ? 'link is-live' : 'link'} role="status">
          {isLive ? 'live' : 'reconnecting…'}
        </span>
        <span class="user">{session.name}</span>
        <button type="button" onClick={() => void logOut()}>
          Log out
        </button>
      </header>
      <main class="dashboard">
        {list === undefined && <p role="status">Loading sensors…</p>}
        {list?.length === 0 && (
          <p role="status">No readings yet. Sensors appear here with their first reading.</p>
        )}
        {list !== undefined && list.length > 0 && (
          <Plot api={api} live={live} series={list.filter((one) => selection.includes(seriesKey(one)))} />
        )}
        {gatewayIds(gateways, list ?? []).map((id) => (
          <section class="gateway" key={id} aria-labelledby={`gateway-${id}`}>
            <GatewayHeading
              id={id}
              gateway={gateways.find((gateway) => gateway.id === id)}
              isKnown={isLive}
            />
            <Sensors
              list={(list ?? []).filter(({ gateway }) => gateway === id)}
              selection={selection}
              onChoose={choose}
              now={now}
            />
            <Events
              api={api}
              gateway={id}
              series={(list ?? []).filter(({ gateway }) => gateway === id)}
              now={now}
            />
            <Account api={api} gateway={id} />
          </section>
        ))}
      </main>
    </>
  );
}

interface HeadingProps {
  readonly id: string;
  readonly gateway: Gateway | undefined;
  /** Whether what is said of its connection still holds. */
  readonly isKnown: boolean;
}

function GatewayHeading({ id, gateway, isKnown }: HeadingProps) {
  return (
    <div class="gateway-heading">
      <h2 id={`gateway-${id}`}>{id}</h2>
      {isKnown && (
        <span class={gateway?.connected ? 'link is-live' : 'link'}>
          {gateway?.connected ? 'connected' : 'not connected'}
        </span>
      )}
      {gateway?.runtime && <span class="muted">{gateway.runtime}</span>}
    </div>
  );
}

/** Gateways without readings are shown too, and so are those that are gone and left readings. */
function gatewayIds(gateways: readonly Gateway[], list: readonly Series[]): readonly string[] {
  const ids = new Set([...gateways.map(({ id }) => id), ...list.map(({ gateway }) => gateway)]);
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
