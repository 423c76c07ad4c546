import { formatCount } from '../format.ts';
import { usePolling } from '../hooks.ts';
import { LoadingWords, useLoaded } from '../parts/loaded.tsx';
import { useStage } from '../parts/stage.tsx';
import { Table } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';
import { Panel } from './panel.tsx';
import type { Scene } from './scene.ts';

/** Milliseconds between two looks at how an update goes. */
const PERIOD = 5_000;

/** Which release a gateway runs, is to run, and was offered. */
export function DeviceUpdate({ api, organisation, item: device, may }: Scene) {
  const stage = useStage();
  const loaded = useLoaded(device, () => api.call('getUpdate', { organisation, device }));
  usePolling(async () => loaded.reload(), PERIOD);
  const update = loaded.value;
  const change = async (body: { canary?: boolean; pin?: string | null }): Promise<void> => {
    await api.call('patchUpdate', { organisation, device, body });
    loaded.reload();
  };
  // What was refused is seen in what is there then.
  const atOnce = (work: Promise<unknown>): void => void work.catch(() => undefined).then(loaded.reload);
  const pin = (releases: readonly string[]): void =>
    stage.ask({
      title: 'Keep it at a release?',
      text: 'A pin goes before every rollout, and may be to an older release.',
      fields: {
        release: {
          kind: 'choice',
          label: 'Release',
          options: releases.map((value) => ({ value, label: value })),
        },
      },
      act: 'Pin',
      run: ({ release }) => change({ pin: release }),
    });
  const running = update?.running ?? null;
  const isFailed = running?.state === 'rolled-back' || running?.state === 'refused';
  return (
    <Panel
      title="Release"
      stage={stage}
      acts={
        update !== undefined &&
        may('update.set') && (
          <>
            <button type="button" onClick={() => atOnce(change({ canary: !update.canary }))}>
              {update.canary ? 'No canary any more' : 'Make it a canary'}
            </button>{' '}
            {update.pin !== null ? (
              <button type="button" onClick={() => atOnce(change({ pin: null }))}>
                Unpin
              </button>
            ) : (
              update.releases.length > 0 && (
                <button type="button" onClick={() => pin(update.releases)}>
                  Pin
                </button>
              )
            )}{' '}
            {isFailed && may('update.retry') && (
              <button type="button" onClick={() => atOnce(api.call('retryUpdate', { organisation, device }))}>
                Try again
              </button>
            )}
          </>
        )
      }
    >
      <LoadingWords loaded={loaded} />
      {update !== undefined && (
        <>
          {running === null ? (
            <p class="muted">It has not said yet which release it runs.</p>
          ) : (
            <p>
              Runs <b>{running.release}</b> <span class="tag">{running.target}</span>{' '}
              <span class="muted">
                {running.slot === null
                  ? 'without a launcher: it is updated by hand'
                  : `in slot ${running.slot}`}
              </span>
              : <span class={isFailed ? 'is-bad' : ''}>{running.state}</span> since{' '}
              <Time at={running.since} />
              {running.detail !== null && <span class="muted"> ({running.code ?? running.detail})</span>}
              {running.total !== null && (
                <>
                  {' '}
                  <progress max={Math.max(1, running.total)} value={running.done ?? 0} />{' '}
                  {formatCount(running.done ?? 0)} of {formatCount(running.total)} bytes
                </>
              )}
            </p>
          )}
          <p class="muted">
            {update.wish === null
              ? 'It is to stay with what it has.'
              : `It is to run ${update.wish.release}, by a ${update.wish.by}.`}
            {update.canary && ' It is a canary: it gets releases before the others.'}
            {update.pin !== null && ` It is pinned to ${update.pin}.`}
            {update.paused && ' Its organisation has its gateways wait.'}
          </p>
          {update.offers.length > 0 && (
            <Table
              title="Offers"
              items={update.offers}
              idOf={({ id }) => id}
              columns={[
                { title: 'Release', cell: ({ release }) => release },
                { title: 'By', cell: ({ by }) => by },
                { title: 'Offered', cell: ({ made }) => <Time at={made} /> },
                {
                  title: 'What came of it',
                  cell: ({ state, code, detail }) => (
                    <span class={state === 'rolled-back' || state === 'refused' ? 'is-bad' : ''}>
                      {[state, code, detail].filter((word) => word !== null && word !== '').join(': ')}
                    </span>
                  ),
                },
                { title: 'Since', cell: ({ since }) => <Time at={since} /> },
              ]}
            />
          )}
        </>
      )}
    </Panel>
  );
}
