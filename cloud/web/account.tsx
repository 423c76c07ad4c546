import { useState } from 'preact/hooks';
import type { Api, Ledger } from './api.ts';
import { formatCount } from './format.ts';
import { usePolling } from './hooks.ts';

/** Milliseconds between two loads of the ledger. */
const PERIOD = 5_000;

interface Props {
  readonly api: Api;
  readonly organisation: string;
  readonly device: string;
}

/** What became of all that a gateway has sent, in a line. */
export function Account({ api, organisation, device }: Props) {
  const [ledger, setLedger] = useState<Ledger | undefined>();
  usePolling(async () => {
    try {
      setLedger(await api.call('getLedger', { organisation, device }));
    } catch {
      // The list of sensors is loaded as often, and its failing is what the page shows.
    }
  }, PERIOD);
  if (ledger === undefined) return <p class="account" />;

  const { received, stored, duplicate, rejected } = ledger.readings;
  const health = ledger.epochs.flatMap((epoch) => (epoch.health === null ? [] : [epoch.health]));
  const frames = sum(health.map((one) => one.frames));
  const discarded = sum(health.flatMap(({ ports }) => ports.map((port) => port.discardedBytes)));
  const missing = (state: string): number =>
    sum(
      ledger.epochs.flatMap(({ gaps }) =>
        gaps.filter((gap) => gap.state === state).map(({ first, last }) => last - first + 1),
      ),
    );
  return (
    <p class="account">
      {health.length > 0 && <span>{formatCount(frames)} frames at its last report</span>}
      <span>
        {formatCount(received)} readings received = {formatCount(stored)} stored + {formatCount(duplicate)}{' '}
        duplicate + <Alarming count={rejected}>rejected</Alarming>
        {received !== stored + duplicate + rejected && <b class="is-bad"> (does not add up)</b>}
      </span>
      {ledger.deliveries.rejected > 0 && (
        <span>
          <Alarming count={ledger.deliveries.rejected}>deliveries rejected</Alarming>
        </span>
      )}
      {health.length > 0 && <span>{formatCount(discarded)} bytes discarded</span>}
      <span>
        <Alarming count={missing('lost')}>lost</Alarming>,{' '}
        <Alarming count={missing('dropped')}>dropped by the gateway</Alarming>,{' '}
        {formatCount(missing('coming'))} still to come
      </span>
    </p>
  );
}

/** A count that should be zero. */
function Alarming({ count, children }: { readonly count: number; readonly children: string }) {
  return (
    <span class={count > 0 ? 'is-bad' : ''}>
      {formatCount(count)} {children}
    </span>
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
