import { useState } from 'preact/hooks';
import { addressOf } from '../address.ts';
import type { ItemOf, Page } from '../api.ts';
import { formatBytes, formatCount, formatDuration } from '../format.ts';
import type { Option } from '../parts/fields.ts';
import { Listing, useList } from '../parts/listing.tsx';
import { routes } from '../routes.ts';
import { FilterBar } from './filter.tsx';
import { OrganisationLimits } from './limits.tsx';
import { labelOf, useOptions } from './options.ts';
import { Panel } from './panel.tsx';
import type { FleetScene, Scene } from './scene.ts';

type Usage = ItemOf<'listUsage'>;
type Kind = Exclude<Usage['kind'], 'organisation'>;

/** What may be counted apart, and where the names of it are. */
const kinds = {
  device: { label: 'device', names: 'devices' },
  application: { label: 'application', names: 'applications' },
  user: { label: 'person', names: 'people' },
  token: { label: 'API token', names: 'tokens' },
} as const satisfies Record<Kind, unknown>;

const kindOptions = Object.entries(kinds).map(([value, { label }]) => ({ value, label }));

const unfiltered = { by: '', per: '', from: '', to: '' };
type Chosen = typeof unfiltered;

/** What was used in an organisation, and what may be. */
export function OrganisationUsage(scene: Scene) {
  const { api, organisation, standing, may } = scene;
  const [chosen, setChosen] = useState(unfiltered);
  const by = chosen.by === '' ? undefined : (chosen.by as Kind);
  const options = useOptions(scene, by === undefined ? [] : [kinds[by].names]);
  const query = { by: by ?? 'organisation', ...spanOf(chosen) } as const;
  return (
    <>
      <UsagePanel
        chosen={chosen}
        by={{ kind: 'choice', label: 'By', any: 'the organisation', options: kindOptions }}
        onChange={setChosen}
        load={(after) => api.call('listUsage', { organisation, query: { ...query, after } })}
        exportAddress={addressOf(routes.exportUsage[1], { organisation }, query)}
        nameOf={({ id }) =>
          by === undefined ? standing.organisation.name : labelOf(options[kinds[by].names], id)
        }
      />
      {/* Those of an organisation are for who acts for the whole of it. */}
      {may('limits.get') && standing.reach === 'organisation' && <OrganisationLimits {...scene} />}
    </>
  );
}

/** What each organisation of the fleet used. */
export function FleetUsage({ api }: FleetScene) {
  const [chosen, setChosen] = useState(unfiltered);
  const query = spanOf(chosen);
  return (
    <UsagePanel
      chosen={chosen}
      onChange={setChosen}
      load={(after) => api.call('listFleetUsage', { query: { ...query, after } })}
      exportAddress={addressOf(routes.exportFleetUsage[1], {}, query)}
      nameOf={({ organisation }) => organisation}
    />
  );
}

function spanOf({ per, from, to }: Chosen) {
  return {
    per: per === 'total' ? 'total' : 'day',
    from: from === '' ? undefined : from,
    to: to === '' ? undefined : to,
  } as const;
}

interface Props {
  readonly chosen: Chosen;
  /** The choice of what is counted apart, where there is one. */
  readonly by?: { kind: 'choice'; label: string; any: string; options: readonly Option[] };
  readonly onChange: (chosen: Chosen) => void;
  readonly load: (after: string | undefined) => Promise<Page<Usage>>;
  /** Address of the same as CSV. */
  readonly exportAddress: string;
  readonly nameOf: (usage: Usage) => string;
}

function UsagePanel({ chosen, by, onChange, load, exportAddress, nameOf }: Props) {
  const list = useList(JSON.stringify(chosen), load);
  return (
    <Panel
      title="Usage"
      text="Days are of UTC; without a choice, the last thirty and today. Sessions under way are counted from time to time."
      acts={
        <a class="as-button" href={exportAddress} download="usage.csv">
          Download CSV
        </a>
      }
    >
      <FilterBar
        filters={{
          ...(by !== undefined && { by }),
          per: {
            kind: 'choice',
            label: 'Per',
            any: 'day',
            options: [{ value: 'total', label: 'all these days' }],
          },
          from: { kind: 'date', label: 'First day' },
          to: { kind: 'date', label: 'Last day' },
        }}
        onChange={(now) => onChange({ ...unfiltered, ...now })}
      />
      <Listing
        title="Usage"
        list={list}
        idOf={({ day, organisation, id }) => `${day} ${organisation} ${id}`}
        empty="Nothing was used."
        columns={[
          { title: 'Who', cell: nameOf },
          { title: 'Day', cell: ({ day }) => day ?? 'all' },
          {
            title: 'Sessions',
            cell: ({ sessions, seconds }) => `${formatCount(sessions)}, ${formatDuration(seconds)}`,
          },
          { title: 'Readings', cell: ({ readings }) => formatCount(readings) },
          {
            title: 'Messages in / out',
            cell: ({ messagesIn, messagesOut }) => `${formatCount(messagesIn)} / ${formatCount(messagesOut)}`,
          },
          {
            title: 'Bytes in / out',
            cell: ({ bytesIn, bytesOut }) => `${formatBytes(bytesIn)} / ${formatBytes(bytesOut)}`,
          },
          {
            title: 'Put off',
            cell: ({ limited }) => <span class={limited > 0 ? 'is-bad' : ''}>{formatCount(limited)}</span>,
          },
        ]}
      />
    </Panel>
  );
}
