import type { ItemOf } from '../api.ts';
import { Listing, useList } from '../parts/listing.tsx';
import { useStage } from '../parts/stage.tsx';
import { Panel } from './panel.tsx';
import type { Scene } from './scene.ts';
import { scopeOptions } from './scope-options.ts';

type Role = ItemOf<'listRoles'>;

/** Named sets of scopes: those of every organisation, and own ones. */
export function Roles({ api, organisation, standing, may }: Scene) {
  const stage = useStage();
  const list = useList('', (after) => api.call('listRoles', { organisation, query: { after } }));
  const scopes = {
    kind: 'choices',
    label: 'What it may do',
    hint: 'Nobody gives more than he may himself.',
    options: scopeOptions(standing.scopes),
  } as const;

  const create = (like?: Role): void =>
    stage.ask({
      title: like === undefined ? 'New role' : `New role like ${like.name}`,
      fields: {
        name: { kind: 'text', label: 'Name' },
        id: {
          kind: 'text',
          label: 'Id',
          pattern: '[a-z0-9]([a-z0-9\\-]{0,62}[a-z0-9])?',
          hint: 'For good: a-z, 0-9 and inner hyphens.',
        },
        scopes: { ...scopes, value: like?.scopes ?? [] },
      },
      act: 'Create',
      async run({ id, name, scopes: chosen }) {
        await api.call('createRole', { organisation, body: { id, name, scopes: [...chosen] } });
        list.reload();
      },
    });

  return (
    <Panel
      title="Roles"
      text="A role is a named set of scopes. Those of every organisation cannot be changed: make one like them."
      stage={stage}
      acts={
        may('roles.create') && (
          <button type="button" onClick={() => create()}>
            New role
          </button>
        )
      }
    >
      <Listing
        title="Roles"
        list={list}
        idOf={({ id }) => id}
        empty="There is none."
        columns={[
          {
            title: 'Role',
            cell: ({ name, id, builtIn }) => (
              <>
                {name} {name !== id && <span class="tag">{id}</span>}{' '}
                {builtIn && <span class="badge">built in</span>}
              </>
            ),
          },
          { title: 'For', cell: ({ of }) => (of === 'customer' ? 'logins of customers' : 'people') },
          { title: 'May', cell: ({ scopes: has }) => <ScopeList scopes={has} /> },
        ]}
        actsOf={(role) => [
          may('roles.create') && { label: 'New like this', run: () => create(role) },
          !role.builtIn &&
            may('role.patch') && {
              label: 'Change',
              run: () =>
                stage.ask({
                  title: `Change ${role.name}`,
                  fields: {
                    name: { kind: 'text', label: 'Name', value: role.name },
                    scopes: { ...scopes, value: role.scopes },
                  },
                  act: 'Change',
                  async run({ name, scopes: chosen }) {
                    await api.call('patchRole', {
                      organisation,
                      role: role.id,
                      body: { name, scopes: [...chosen] },
                    });
                    list.reload();
                  },
                }),
            },
          !role.builtIn &&
            may('role.delete') && {
              label: 'Delete',
              isDangerous: true,
              run: () =>
                stage.confirm({
                  title: `Delete ${role.name}?`,
                  text: 'While somebody has it, it stays.',
                  act: 'Delete',
                  async run() {
                    await api.call('deleteRole', { organisation, role: role.id });
                    list.reload();
                  },
                }),
            },
        ]}
      />
    </Panel>
  );
}

/** Scopes, out of the way where they are many. */
export function ScopeList({ scopes }: { readonly scopes: readonly string[] }) {
  if (scopes.length <= 3) return <>{scopes.join(', ')}</>;
  return (
    <details>
      <summary>{scopes.length} scopes</summary>
      {scopes.join(', ')}
    </details>
  );
}
