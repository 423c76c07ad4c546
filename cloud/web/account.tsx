import { useState } from 'preact/hooks';
import { addsUp, gapsOf, missingOf } from './account-sums.ts';
import type { Api, Ledger } from './api.ts';
import { formatCount } from './format.ts';
import { usePolling } from './hooks.ts';

/** Milliseconds between two loads of the ledger. */
const PERIOD = 5_000;

interface Props {
  readonly api: Api;
  readonly organisation: string;
  readonly device: string;
  /** Where there is more about it; undefined for who may not look there. */
  readonly details: string | undefined;
}

/** What became of all that a device has sent, in a line. */
export function Account({ api, organisation, device, details }: Props) {
  const [ledger, setLedger] = useState<Ledger | undefined>();
  usePolling(async () => {
    try {
      setLedger(await api.call('getLedger', { organisation, device }));
    } catch {
      // The list of sensors is loaded as often, and its failing is what the page shows.
    }
  }, PERIOD);
  if (ledger === undefined) return <p class="account" />;

  const { received, stored, duplicate, rejected, expired } = ledger.readings;
  const health = ledger.epochs.flatMap((epoch) => (epoch.health === null ? [] : [epoch.health]));
  const frames = sum(health.map((one) => one.frames));
  const discarded = sum(health.flatMap(({ ports }) => ports.map((port) => port.discardedBytes)));
  const gaps = gapsOf(ledger);
  return (
    <p class="account">
      {health.length > 0 && <span>{formatCount(frames)} frames at its last report</span>}
      <span>
        {formatCount(received)} readings received = {formatCount(stored)} stored + {formatCount(duplicate)}{' '}
        duplicate + <Alarming count={rejected}>rejected</Alarming>
        {!addsUp(ledger.readings) && <b class="is-bad"> (does not add up)</b>}
      </span>
      {expired > 0 && <span>{formatCount(expired)} expired since</span>}
      {ledger.deliveries.rejected > 0 && (
        <a href={details}>
          <Alarming count={ledger.deliveries.rejected}>deliveries rejected</Alarming>
        </a>
      )}
      {health.length > 0 && <span>{formatCount(discarded)} bytes discarded</span>}
      <span>
        <Alarming count={missingOf(gaps, 'lost')}>lost</Alarming>,{' '}
        <Alarming count={missingOf(gaps, 'dropped')}>dropped by the device</Alarming>,{' '}
        {formatCount(missingOf(gaps, 'coming'))} still to come
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
