import type { Operations, ReplyOf } from '@loadline/sdk/api';
import { LoadingWords, useLoaded } from '../parts/loaded.tsx';
import { Table } from '../parts/table.tsx';
import { limitRows } from './limit-rows.ts';
import { Panel } from './panel.tsx';
import type { Scene } from './scene.ts';

type Limits = ReplyOf<Operations['getLimits']>;

/** What the devices and people of an organisation may use together, and have. */
export function OrganisationLimits({ api, organisation }: Scene) {
  return <LimitsPanel what={organisation} load={() => api.call('getLimits', { organisation })} />;
}

/** What a device may use, and has. */
export function DeviceLimits({ api, organisation, item: device }: Scene) {
  return <LimitsPanel what={device} load={() => api.call('getDeviceLimits', { organisation, device })} />;
}

function LimitsPanel({ what, load }: { readonly what: string; readonly load: () => Promise<Limits> }) {
  const loaded = useLoaded(what, load);
  return (
    <Panel
      title="Limits"
      text="What is over them is put off, and the answer says for how long. Days and months are of UTC."
    >
      <LoadingWords loaded={loaded} />
      {loaded.value !== undefined && (
        <Table
          title="Limits"
          isNarrow
          items={limitRows(loaded.value)}
          idOf={(row) => row.what}
          columns={[
            { title: 'What', cell: (row) => row.what },
            { title: 'At most', cell: ({ most }) => most },
            {
              title: 'Used',
              cell: ({ used, isReached }) => (
                <>
                  {used === '' ? '–' : used} {isReached && <span class="badge is-bad">reached</span>}
                </>
              ),
            },
          ]}
        />
      )}
    </Panel>
  );
}
