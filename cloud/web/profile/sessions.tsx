import type { Api } from '../api.ts';
import { Listing, useList } from '../parts/listing.tsx';
import type { Stage } from '../parts/stage.tsx';
import { Time } from '../parts/time.tsx';
import { browserName } from './browser-name.ts';

/** Where one is logged in. */
export function Sessions({ api, stage }: { readonly api: Api; readonly stage: Stage }) {
  const list = useList('', (after) => api.call('listOwnSessions', { query: { after } }));
  return (
    <section class="panel" aria-labelledby="sessions-heading">
      <h2 id="sessions-heading">Sessions</h2>
      <Listing
        title="Sessions"
        list={list}
        idOf={({ id }) => id}
        empty="There is none."
        columns={[
          {
            title: 'Browser',
            cell: ({ agent, current }) => (
              <>
                <span title={agent}>{browserName(agent)}</span>{' '}
                {current && <span class="badge">this one</span>}
              </>
            ),
          },
          { title: 'From', cell: ({ source }) => source },
          { title: 'Begun', cell: ({ created }) => <Time at={created} /> },
          { title: 'Last seen', cell: ({ seen }) => <Time at={seen} /> },
        ]}
        actsOf={({ id, current }) =>
          current
            ? []
            : [
                {
                  label: 'End',
                  isDangerous: true,
                  run: () =>
                    stage.confirm({
                      title: 'End this session?',
                      text: 'Whoever uses it has to log in again.',
                      act: 'End it',
                      async run() {
                        await api.call('endOwnSession', { session: id });
                        list.reload();
                      },
                    }),
                },
              ]
        }
      />
      <div class="panel-acts">
        <button
          type="button"
          onClick={() =>
            stage.confirm({
              title: 'End everything else?',
              text: 'Every other session ends, and every API token that you have made.',
              act: 'End them',
              async run() {
                await api.call('cutOffSelf');
                list.reload();
              },
            })
          }
        >
          End all others, and my API tokens
        </button>
      </div>
    </section>
  );
}
