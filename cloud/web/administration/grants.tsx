import { Listing, useList } from '../parts/listing.tsx';
import { useStage } from '../parts/stage.tsx';
import { Time } from '../parts/time.tsx';
import { labelOf, useOptions } from './options.ts';
import { Panel } from './panel.tsx';
import type { Scene } from './scene.ts';

/** What fleet operators have been granted. Without a grant they see nothing of the organisation's data. */
export function Grants(scene: Scene) {
  const { api, organisation, may } = scene;
  const stage = useStage();
  const { roles, isReady } = useOptions(scene, ['roles']);
  const list = useList('', (after) => api.call('listGrants', { organisation, query: { after } }));
  return (
    <Panel
      title="Grants"
      text="Fleet operators see no data of this organisation but by a grant, for a time. What they do stands in the audit log."
      stage={stage}
      acts={
        isReady &&
        may('grants.create') && (
          <button
            type="button"
            onClick={() =>
              stage.ask({
                title: 'Grant an operator a look',
                fields: {
                  operator: { kind: 'text', label: 'E-mail of the operator' },
                  role: {
                    kind: 'choice',
                    label: 'As',
                    value: 'viewer',
                    options: roles.filter(({ of }) => of === 'organisation'),
                  },
                  hours: { kind: 'number', label: 'For how many hours', least: 1, most: 720, value: 4 },
                  reason: { kind: 'text', label: 'Why', hint: 'It stands in the audit log.' },
                },
                act: 'Grant',
                async run({ operator, role, hours, reason }) {
                  await api.call('createGrant', { organisation, body: { operator, role, hours, reason } });
                  list.reload();
                },
              })
            }
          >
            New grant
          </button>
        )
      }
    >
      <Listing
        title="Grants"
        list={list}
        idOf={({ id }) => id}
        empty="No operator has been granted anything."
        columns={[
          {
            title: 'Operator',
            cell: ({ operator }) => (
              <>
                {operator.name}
                <br />
                <span class="muted">{operator.email}</span>
              </>
            ),
          },
          { title: 'As', cell: ({ role }) => labelOf(roles, role) },
          { title: 'Why', cell: ({ reason }) => reason },
          { title: 'Until', cell: ({ expires }) => <Time at={expires} /> },
        ]}
        actsOf={({ id, operator }) => [
          may('grant.delete') && {
            label: 'End',
            isDangerous: true,
            run: () =>
              stage.confirm({
                title: `End the grant to ${operator.name}?`,
                act: 'End it',
                async run() {
                  await api.call('deleteGrant', { organisation, grant: id });
                  list.reload();
                },
              }),
          },
        ]}
      />
    </Panel>
  );
}
