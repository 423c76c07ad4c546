import { addsUp, type Gap, gapsOf } from '../account-sums.ts';
import type { Ledger } from '../api.ts';
import { formatCount, NOTHING } from '../format.ts';
import { LoadingWords, useLoaded } from '../parts/loaded.tsx';
import { Table } from '../parts/table.tsx';
import { Panel } from './panel.tsx';
import type { Scene } from './scene.ts';

/** What became of all that the devices of an organisation delivered, of those that the caller reaches. */
export function OrganisationAccount({ api, organisation }: Scene) {
  const loaded = useLoaded(organisation, () => api.call('getOrganisationLedger', { organisation }));
  const sums = loaded.value;
  return (
    <Panel title="Account of all devices" text={rule} acts={<Again run={loaded.reload} />}>
      <LoadingWords loaded={loaded} />
      {sums !== undefined && (
        <>
          <Sums {...sums} />
          <p class={sums.unbalanced.length === 0 ? 'muted' : 'is-bad'}>
            {sums.unbalanced.length === 0
              ? `Each of ${formatCount(sums.devices)} accounts adds up.`
              : `These do not add up: ${sums.unbalanced.join(', ')}.`}
          </p>
        </>
      )}
    </Panel>
  );
}

/** What became of all that a device delivered, and what is missing of it. */
export function DeviceAccount({ api, organisation, item: device }: Scene) {
  const loaded = useLoaded(device, () => api.call('getLedger', { organisation, device }));
  const ledger = loaded.value;
  const gaps = ledger === undefined ? [] : gapsOf(ledger);
  return (
    <Panel title="Account" text={rule} acts={<Again run={loaded.reload} />}>
      <LoadingWords loaded={loaded} />
      {ledger !== undefined && (
        <>
          <Sums {...ledger} />
          {gaps.length === 0 ? (
            <p class="muted">Nothing is missing of its latest runs.</p>
          ) : (
            <Table
              title="Gaps"
              items={gaps}
              idOf={({ epoch, first }) => `${epoch} ${first}`}
              columns={[
                {
                  title: 'Missing',
                  cell: ({ first, last }) =>
                    first === last ? formatCount(first) : `${formatCount(first)} to ${formatCount(last)}`,
                },
                { title: 'Count', cell: ({ first, last }) => formatCount(last - first + 1) },
                { title: 'Because', cell: ({ state }) => gapWords[state] },
                { title: 'Run', cell: ({ epoch }) => <code title={epoch}>{epoch.slice(0, 8)}…</code> },
              ]}
            />
          )}
          {ledger.epochs.map(
            ({ epoch, endUnknown }) =>
              endUnknown && (
                <p key={epoch} class="is-bad">
                  How far the run <code>{epoch.slice(0, 8)}…</code> went is not known: that was lost with the
                  cloud.
                </p>
              ),
          )}
        </>
      )}
    </Panel>
  );
}

const rule = 'Received = stored + duplicate + rejected. Expired and deleted: stored once, and there no more.';

const gapWords = {
  dropped: 'dropped by the device, which says so',
  coming: 'still to come',
  lost: 'lost',
} as const satisfies Record<Gap['state'], string>;

function Again({ run }: { readonly run: () => void }) {
  return (
    <button type="button" onClick={run}>
      Load anew
    </button>
  );
}

type Sums = Pick<Ledger, 'deliveries' | 'readings'>;

function Sums({ deliveries, readings }: Sums) {
  return (
    <>
      <Table
        title="Sums"
        isNarrow
        items={sums}
        idOf={({ title }) => title}
        columns={[
          { title: 'What became of them', cell: ({ title }) => title },
          { title: 'Readings', cell: ({ of }) => <Count of={of} count={readings[of]} /> },
          {
            title: 'Deliveries',
            cell: ({ of }) => (of in deliveries ? <Count of={of} count={deliveries[of as Kept]} /> : NOTHING),
          },
        ]}
      />
      {!(addsUp(deliveries) && addsUp(readings)) && <p class="is-bad">This does not add up.</p>}
    </>
  );
}

type Kept = keyof Ledger['deliveries'];

const sums: readonly { readonly of: keyof Ledger['readings']; readonly title: string }[] = [
  { of: 'received', title: 'Received' },
  { of: 'stored', title: 'Stored' },
  { of: 'duplicate', title: 'Duplicate' },
  { of: 'rejected', title: 'Rejected' },
  { of: 'expired', title: 'Expired since' },
  { of: 'deleted', title: 'Deleted since' },
];

function Count({ of, count }: { readonly of: keyof Ledger['readings']; readonly count: number }) {
  return <span class={of === 'rejected' && count > 0 ? 'is-bad' : ''}>{formatCount(count)}</span>;
}
