import type { ItemOf } from '../api.ts';
import { Listing, useList } from '../parts/listing.tsx';
import { useStage } from '../parts/stage.tsx';
import { Panel } from './panel.tsx';
import type { Scene } from './scene.ts';

type Named = ItemOf<'listDepartments'>;

/** What departments and customers have in common: a name. */
interface Kind {
  readonly title: string;
  readonly text: string;
  readonly one: string;
  /** What becomes of the rest when it is deleted. */
  readonly farewell: string;
  readonly may: { readonly create: boolean; readonly rename: boolean; readonly remove: boolean };
  readonly load: (after: string | undefined) => Promise<{ items: Named[]; next: string | null }>;
  readonly create: (name: string) => Promise<unknown>;
  readonly rename: (id: string, name: string) => Promise<unknown>;
  readonly remove: (id: string) => Promise<unknown>;
}

export function Departments({ api, organisation, may }: Scene) {
  return (
    <NamedThings
      title="Departments"
      text="Who acts for departments sees their devices. Whether unassigned ones are seen as well is a policy."
      one="department"
      farewell="Its devices are unassigned then."
      may={{
        create: may('departments.create'),
        rename: may('department.patch'),
        remove: may('department.delete'),
      }}
      load={(after) => api.call('listDepartments', { organisation, query: { after } })}
      create={(name) => api.call('createDepartment', { organisation, body: { name } })}
      rename={(department, name) => api.call('patchDepartment', { organisation, department, body: { name } })}
      remove={(department) => api.call('deleteDepartment', { organisation, department })}
    />
  );
}

export function Customers({ api, organisation, may }: Scene) {
  return (
    <NamedThings
      title="Customers"
      text="A customer’s logins see that customer’s devices and nothing else."
      one="customer"
      farewell="Its devices are the organisation’s own then. While it has logins, it stays."
      may={{ create: may('customers.create'), rename: may('customer.patch'), remove: may('customer.delete') }}
      load={(after) => api.call('listCustomers', { organisation, query: { after } })}
      create={(name) => api.call('createCustomer', { organisation, body: { name } })}
      rename={(customer, name) => api.call('patchCustomer', { organisation, customer, body: { name } })}
      remove={(customer) => api.call('deleteCustomer', { organisation, customer })}
    />
  );
}

function NamedThings({ title, text, one, farewell, may, load, create, rename, remove }: Kind) {
  const stage = useStage();
  const list = useList(title, load);
  return (
    <Panel
      title={title}
      text={text}
      stage={stage}
      acts={
        may.create && (
          <button
            type="button"
            onClick={() =>
              stage.ask({
                title: `New ${one}`,
                fields: { name: { kind: 'text', label: 'Name' } },
                act: 'Create',
                async run({ name }) {
                  await create(name);
                  list.reload();
                },
              })
            }
          >
            New {one}
          </button>
        )
      }
    >
      <Listing
        title={title}
        list={list}
        idOf={({ id }) => id}
        empty={`There is no ${one} yet.`}
        columns={[
          { title: 'Name', cell: ({ name }) => name },
          { title: 'Id', cell: ({ id }) => <code>{id}</code> },
        ]}
        actsOf={({ id, name }) => [
          may.rename && {
            label: 'Rename',
            run: () =>
              stage.ask({
                title: `Rename ${name}`,
                fields: { name: { kind: 'text', label: 'Name', value: name } },
                act: 'Rename',
                async run({ name: newName }) {
                  await rename(id, newName);
                  list.reload();
                },
              }),
          },
          may.remove && {
            label: 'Delete',
            isDangerous: true,
            run: () =>
              stage.confirm({
                title: `Delete ${name}?`,
                text: farewell,
                act: 'Delete',
                async run() {
                  await remove(id);
                  list.reload();
                },
              }),
          },
        ]}
      />
    </Panel>
  );
}
