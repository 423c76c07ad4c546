import type { ItemOf } from '../api.ts';
import { formatCount } from '../format.ts';
import { usePolling } from '../hooks.ts';
import { Listing, useList } from '../parts/listing.tsx';
import { LoadingWords, useLoaded } from '../parts/loaded.tsx';
import { useStage } from '../parts/stage.tsx';
import { Table } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';
import { Panel } from './panel.tsx';
import type { FleetScene } from './scene.ts';

type Rollout = ItemOf<'listRollouts'>;

/** Milliseconds between two looks at how rollouts go. */
const PERIOD = 10_000;

const rings = [
  { value: 'canary', label: 'canaries only' },
  { value: 'percent', label: 'canaries, and a share of the others' },
  { value: 'all', label: 'all' },
] as const;

/** Releases, and their way to gateways. */
export function Releases(scene: FleetScene) {
  return (
    <>
      <Rollouts {...scene} />
      <Repository {...scene} />
    </>
  );
}

function Rollouts({ api, session }: FleetScene) {
  const stage = useStage();
  const list = useList('', (after) => api.call('listRollouts', { query: { after } }));
  usePolling(async () => list.reload(), PERIOD);
  const may = (scope: Parameters<typeof session.fleet.includes>[0]) => session.fleet.includes(scope);

  const change = async (
    { id: rollout }: Rollout,
    body: Parameters<typeof api.call<'patchRollout'>>[1]['body'],
  ): Promise<void> => {
    await api.call('patchRollout', { rollout, body });
    list.reload();
  };

  // What was refused because another was quicker is seen in what is there now.
  const atOnce = (rollout: Rollout, state: Rollout['state']): void =>
    void change(rollout, { state }).catch(() => list.reload());

  const begin = async (): Promise<void> => {
    const { items } = await api.call('listReleases', { query: { limit: 1000 } });
    stage.ask({
      title: 'Roll a release out',
      text: 'It is halted by itself where it ends badly on too many: see docs/operations.md.',
      fields: {
        release: {
          kind: 'choice',
          label: 'Release',
          options: items.map(({ id, version, target }) => ({ value: id, label: `${version} for ${target}` })),
        },
        ring: { kind: 'choice', label: 'For', options: rings },
        percent: { kind: 'number', label: 'Share of the others, in percent', least: 0, most: 100, value: 10 },
      },
      act: 'Begin',
      async run({ release: chosen, ring, percent }) {
        const item = items.find(({ id }) => id === chosen);
        if (item === undefined) return;
        const { version: release, target } = item;
        await api.call('createRollout', {
          body: { release, target: target as 'linux-arm64', ring: ring as Rollout['ring'], percent },
        });
        list.reload();
      },
    });
  };

  const widen = (rollout: Rollout): void =>
    stage.ask({
      title: `For whom is ${rollout.release}?`,
      fields: {
        ring: { kind: 'choice', label: 'For', options: rings, value: rollout.ring },
        percent: {
          kind: 'number',
          label: 'Share of the others, in percent',
          least: 0,
          most: 100,
          value: rollout.percent,
        },
      },
      act: 'Change',
      run: ({ ring, percent }) => change(rollout, { ring: ring as Rollout['ring'], percent }),
    });

  const halt = (rollout: Rollout): void =>
    stage.ask({
      title: `Halt ${rollout.release}?`,
      text: 'For good: nobody is offered it any more. Those that confirmed it keep it.',
      fields: { reason: { kind: 'text', label: 'Why' } },
      act: 'Halt',
      run: ({ reason }) => change(rollout, { state: 'halted', reason }),
    });

  return (
    <Panel
      title="Rollouts"
      stage={stage}
      acts={
        may('rollouts.create') && (
          <button type="button" onClick={() => void begin().catch(() => list.reload())}>
            New rollout
          </button>
        )
      }
    >
      <Listing
        title="Rollouts"
        list={list}
        idOf={({ id }) => id}
        empty="Nothing has been rolled out yet."
        columns={[
          {
            title: 'Release',
            cell: ({ release, target }) => (
              <>
                {release} <span class="tag">{target}</span>
              </>
            ),
          },
          { title: 'For', cell: ringInWords },
          { title: 'State', cell: (rollout) => <State {...rollout} /> },
          { title: 'Gateways', cell: (rollout) => <Progress {...rollout} /> },
          { title: 'Changed', cell: ({ changed }) => <Time at={changed} /> },
        ]}
        actsOf={(rollout) => {
          const isOpen = may('rollout.patch') && (rollout.state === 'running' || rollout.state === 'paused');
          return [
            isOpen && { label: 'Widen', run: () => widen(rollout) },
            isOpen &&
              (rollout.state === 'running'
                ? { label: 'Pause', run: () => atOnce(rollout, 'paused') }
                : { label: 'Resume', run: () => atOnce(rollout, 'running') }),
            isOpen && {
              label: 'Finish',
              run: () =>
                stage.confirm({
                  title: `Finish ${rollout.release}?`,
                  text: 'It is watched no more, and still offered to whom it reaches. Another rollout can begin then.',
                  act: 'Finish',
                  run: () => change(rollout, { state: 'finished' }),
                }),
            },
            rollout.failures.length > 0 && {
              label: 'What went wrong',
              run: () => stage.tell(`What went wrong with ${rollout.release}`, <Failures {...rollout} />),
            },
            rollout.waits.length > 0 && {
              label: 'What is waited for',
              run: () => stage.tell(`What ${rollout.release} waits for`, <Waits {...rollout} />),
            },
            rollout.state === 'running' &&
              may('rollout.retry') &&
              rollout.gateways.rolledBack + rollout.gateways.refused > 0 && {
                label: 'Try again',
                run: () =>
                  stage.confirm({
                    title: `Try ${rollout.release} again?`,
                    text: 'It is offered once more to all that went back from it or refused it.',
                    act: 'Try again',
                    run: async () => {
                      await api.call('retryRollout', { rollout: rollout.id });
                      list.reload();
                    },
                  }),
              },
            may('rollout.patch') &&
              rollout.state !== 'halted' && { label: 'Halt', isDangerous: true, run: () => halt(rollout) },
          ];
        }}
      />
    </Panel>
  );
}

function ringInWords({ ring, percent }: Rollout): string {
  return ring === 'percent' ? `canaries and ${percent} %` : ring === 'all' ? 'all' : 'canaries';
}

function State({ state, reason, unheard }: Rollout) {
  const isBad = state === 'halted';
  return (
    <>
      <span class={isBad ? 'badge is-bad' : 'badge'}>{state}</span> {reason}
      {unheard.length > 0 && <span class="muted"> not judged by {unheard.join(', ')}</span>}
    </>
  );
}

/** How many run it, of those it is for; and how it ended with those that did not stay with it. */
function Progress({ gateways }: Rollout) {
  const { arrived, reached, underWay, rolledBack, refused, overdue } = gateways;
  const bad = rolledBack + refused + overdue;
  return (
    <>
      <progress max={Math.max(1, reached)} value={arrived} /> {formatCount(arrived)} of {formatCount(reached)}
      {underWay > 0 && <span class="muted">, {formatCount(underWay)} under way</span>}
      {bad > 0 && (
        <span class="is-bad">
          , {formatCount(bad)} ended badly ({rolledBack} went back, {refused} refused, {overdue} overdue)
        </span>
      )}
    </>
  );
}

/** What gateways said on which it ended badly; which of them they are, the administrators of their organisation see. */
function Failures({ failures }: Rollout) {
  return (
    <Table
      title="What went wrong"
      items={failures}
      idOf={(failure) => JSON.stringify(failure)}
      columns={[
        { title: 'Organisation', cell: ({ organisation }) => organisation },
        { title: 'Gateways', cell: ({ gateways }) => formatCount(gateways) },
        {
          title: 'What came of it',
          cell: ({ state, code, detail }) =>
            [state, code, detail].filter((word) => word !== null && word !== '').join(': '),
        },
      ]}
    />
  );
}

/** What gateways wait for that have not taken it yet. */
function Waits({ waits }: Rollout) {
  return (
    <Table
      title="What gateways wait for"
      items={waits}
      idOf={(wait) => JSON.stringify(wait)}
      columns={[
        { title: 'Organisation', cell: ({ organisation }) => organisation },
        { title: 'Gateways', cell: ({ gateways }) => formatCount(gateways) },
        { title: 'What for', cell: ({ detail }) => detail },
      ]}
    />
  );
}

function Repository({ api }: FleetScene) {
  const stage = useStage();
  const list = useList('', (after) => api.call('listReleases', { query: { after } }));
  const loaded = useLoaded('', () => api.call('getRepository'));
  const repository = loaded.value;
  return (
    <Panel title="Releases" stage={stage}>
      <LoadingWords loaded={loaded} />
      {repository !== undefined && (
        <>
          {repository.fault !== null && <p class="is-bad">{repository.fault}</p>}
          <p class="muted">
            {repository.targets === null ? (
              'Nothing that is signed has been brought yet: loadline release publish.'
            ) : (
              <>
                Signed until <Time at={repository.targets.expires} />; the root holds until{' '}
                <Time at={repository.root?.expires ?? null} />.
              </>
            )}
          </p>
        </>
      )}
      <Listing
        title="Releases"
        list={list}
        idOf={({ id }) => id}
        empty="There is none."
        columns={[
          { title: 'Version', cell: ({ version }) => version },
          { title: 'Target', cell: ({ target }) => target },
          { title: 'Built from', cell: ({ commit }) => <code title={commit}>{commit.slice(0, 12)}</code> },
          { title: 'Node', cell: ({ node }) => node },
          { title: 'Size', cell: ({ bytes }) => `${(bytes / 1e6).toFixed(1)} MB` },
        ]}
      />
    </Panel>
  );
}
