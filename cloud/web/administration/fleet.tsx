import { Listing, useList } from '../parts/listing.tsx';
import { useStage } from '../parts/stage.tsx';
import { Time } from '../parts/time.tsx';
import { Panel } from './panel.tsx';
import type { FleetScene } from './scene.ts';

/** The organisations of the fleet, by name: nothing of their data. */
export function Organisations({ api, session }: FleetScene) {
  const stage = useStage();
  const list = useList('', (after) => api.call('listOrganisations', { query: { after } }));
  return (
    <Panel
      title="Organisations"
      text="By name alone: to see an organisation’s data takes a grant by it."
      stage={stage}
      acts={
        session.fleet.includes('organisations.create') && (
          <button
            type="button"
            onClick={() =>
              stage.ask({
                title: 'New organisation',
                text: 'Its first administrator gets a link to set a password by mail.',
                fields: {
                  name: { kind: 'text', label: 'Name' },
                  id: {
                    kind: 'text',
                    label: 'Id',
                    pattern: '[a-z0-9]([a-z0-9\\-]{0,62}[a-z0-9])?',
                    hint: 'For good: a-z, 0-9 and inner hyphens. It stands in addresses and topics.',
                  },
                  email: { kind: 'text', type: 'email', label: 'E-mail of its administrator' },
                  person: { kind: 'text', label: 'Name of its administrator' },
                },
                act: 'Create',
                async run({ id, name, email, person }) {
                  await api.call('createOrganisation', {
                    body: { id, name, administrator: { email, name: person } },
                  });
                  list.reload();
                },
              })
            }
          >
            New organisation
          </button>
        )
      }
    >
      <Listing
        title="Organisations"
        list={list}
        idOf={({ id }) => id}
        empty="There is none."
        columns={[
          { title: 'Name', cell: ({ name }) => name },
          { title: 'Id', cell: ({ id }) => <code>{id}</code> },
          { title: 'Made', cell: ({ created }) => <Time at={created} /> },
        ]}
      />
    </Panel>
  );
}

/** Who operates the fleet. */
export function Operators({ api, session }: FleetScene) {
  const stage = useStage();
  const list = useList('', (after) => api.call('listOperators', { query: { after } }));
  return (
    <Panel
      title="Operators"
      stage={stage}
      acts={
        session.fleet.includes('operators.create') && (
          <button
            type="button"
            onClick={() =>
              stage.ask({
                title: 'New operator',
                text: 'Who is new gets a link to set a password by mail.',
                fields: {
                  email: { kind: 'text', type: 'email', label: 'E-mail' },
                  name: { kind: 'text', label: 'Name' },
                },
                act: 'Make operator',
                async run({ email, name }) {
                  await api.call('createOperator', { body: { email, name } });
                  list.reload();
                },
              })
            }
          >
            New operator
          </button>
        )
      }
    >
      <Listing
        title="Operators"
        list={list}
        idOf={({ id }) => id}
        empty="There is none."
        columns={[
          {
            title: 'Name',
            cell: ({ id, name }) => (
              <>
                {name} {id === session.id && <span class="badge">you</span>}
              </>
            ),
          },
          { title: 'E-mail', cell: ({ email }) => email },
        ]}
        actsOf={({ id, name }) => [
          session.fleet.includes('operator.delete') && {
            label: 'End',
            isDangerous: true,
            run: () =>
              stage.confirm({
                title: `End ${name} as an operator?`,
                act: 'End it',
                async run() {
                  await api.call('deleteOperator', { user: id });
                  list.reload();
                },
              }),
          },
        ]}
      />
    </Panel>
  );
}
