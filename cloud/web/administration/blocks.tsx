import type { ItemOf, Page } from '../api.ts';
import { Listing, useList } from '../parts/listing.tsx';
import { useStage } from '../parts/stage.tsx';
import { Time } from '../parts/time.tsx';
import { Panel } from './panel.tsx';
import type { FleetScene, Scene } from './scene.ts';

type Block = ItemOf<'listBlocks'>;

interface Source {
  readonly load: (after: string | undefined) => Promise<Page<Block>>;
  /** Undefined for who may not lift one. */
  readonly lift: ((block: string) => Promise<unknown>) | undefined;
}

export function OrganisationBlocks({ api, organisation, may }: Scene) {
  return (
    <Blocks
      load={(after) => api.call('listBlocks', { organisation, query: { after } })}
      lift={may('block.delete') ? (block) => api.call('deleteBlock', { organisation, block }) : undefined}
    />
  );
}

export function FleetBlocks({ api, session }: FleetScene) {
  return (
    <Blocks
      load={(after) => api.call('listFleetBlocks', { query: { after } })}
      lift={
        session.fleet.includes('fleet-block.delete')
          ? (block) => api.call('deleteFleetBlock', { block })
          : undefined
      }
    />
  );
}

const kinds: Readonly<Record<Block['kind'], string>> = {
  account: 'a password',
  token: 'an API token',
  'application-key': 'an application key',
  socket: 'a socket’s credential',
  code: 'a PIN',
  'second-factor': 'a second factor',
  source: 'anything at all',
};

const reasons: Readonly<Record<Block['by'], string>> = {
  ceiling: 'more failures than one may have in a while',
  disabled: 'so many failures that it takes an act to go on',
  source: 'too many failures from one source',
  device: 'too many failures on a device that was known',
  factor: 'too many wrong codes',
};

/** What is being guessed at, from where and how often. */
function Blocks({ load, lift }: Source) {
  const stage = useStage();
  const list = useList('', load);
  return (
    <Panel
      title="Blocks"
      text="What is being guessed at is held off. Its owner gets in on a device he has used before."
      stage={stage}
    >
      <Listing
        title="Blocks"
        list={list}
        idOf={({ id }) => id}
        empty="Nobody is guessing at anything."
        columns={[
          {
            title: 'What',
            cell: ({ kind, subject, by }) => (
              <>
                {kinds[kind]} {subject !== null && <b>of {subject}</b>}
                <br />
                <span class="muted">{reasons[by]}</span>
              </>
            ),
          },
          { title: 'From', cell: ({ sources }) => sourcesInWords(sources) },
          { title: 'Failures', cell: ({ failures }) => failures },
          { title: 'Since', cell: ({ since }) => <Time at={since} /> },
          { title: 'Last', cell: ({ last }) => <Time at={last} /> },
          { title: 'Until', cell: ({ until }) => <Time at={until} nothing="it is lifted" /> },
        ]}
        actsOf={({ id, kind, subject }) => [
          lift !== undefined && {
            label: 'Lift',
            isDangerous: true,
            run: () =>
              stage.confirm({
                title: 'Lift this block?',
                text: `Whoever was guessing at ${kinds[kind]}${subject === null ? '' : ` of ${subject}`} may go on. It stands in the audit log.`,
                act: 'Lift it',
                async run() {
                  await lift(id);
                  list.reload();
                },
              }),
          },
        ]}
      />
    </Panel>
  );
}

/** Sources that are named in a row. */
const NAMED = 5;

function sourcesInWords(sources: readonly string[]): string {
  const more = sources.length - NAMED;
  return `${sources.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
