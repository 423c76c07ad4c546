import { useState } from 'preact/hooks';
import type { Device } from '../api.ts';
import { DeviceState } from '../device-state.tsx';
import { Listing, useList } from '../parts/listing.tsx';
import { useStage } from '../parts/stage.tsx';
import { organisationHref } from '../place.ts';
import { OrganisationAccount } from './account.tsx';
import { OneDevice } from './device.tsx';
import { deviceSwitch } from './device-switch.ts';
import { FilterBar } from './filter.tsx';
import { labelOf, useOptions, withNone } from './options.ts';
import { Panel } from './panel.tsx';
import type { Scene } from './scene.ts';

const unfiltered = { name: '', department: '', customer: '', connected: '' };

/** The devices of an organisation; or one of them. */
export function Devices(scene: Scene) {
  if (scene.item !== '') return <OneDevice key={scene.item} {...scene} />;
  return (
    <>
      <AllDevices {...scene} />
      {scene.may('ledger.get') && <OrganisationAccount {...scene} />}
    </>
  );
}

/** Whose devices are, whether they are switched on, and the secrets they enrol with. */
function AllDevices(scene: Scene) {
  const { api, organisation, may } = scene;
  const stage = useStage();
  const options = useOptions(scene, ['departments', 'customers']);
  const [filter, setFilter] = useState(unfiltered);
  const list = useList(JSON.stringify(filter), (after) =>
    api.call('listDevices', {
      organisation,
      query: { ...filter, connected: filter.connected as 'true' | 'false', after },
    }),
  );
  const departments = withNone(options.departments, 'unassigned');
  const customers = withNone(options.customers, 'the organisation’s own');

  const showSecret = (id: string, value: string): void =>
    stage.showOnce({
      title: `Enrolment secret of ${id}`,
      text: 'The device gets its certificate with it, once, within seven days.',
      secrets: [{ label: 'Enrolment secret', value }],
    });

  const create = (): void =>
    stage.ask({
      title: 'New device',
      fields: {
        kind: {
          kind: 'choice',
          label: 'Kind',
          options: [
            { value: 'gateway', label: 'gateway, which bridges radio sensors' },
            { value: 'software', label: 'software: whatever else delivers readings' },
          ],
        },
        id: {
          kind: 'text',
          label: 'Id',
          pattern: '[a-z0-9]([a-z0-9\\-]{0,62}[a-z0-9])?',
          hint: 'For good: a-z, 0-9 and inner hyphens. It stands in its certificate and topics.',
        },
        name: { kind: 'text', label: 'Name', optional: true, hint: 'Empty: its id.' },
        department: { kind: 'choice', label: 'Department', options: departments },
        customer: { kind: 'choice', label: 'Customer', options: customers },
      },
      act: 'Create',
      async run({ kind, id, name, department, customer }) {
        const made = await api.call('createDevice', {
          organisation,
          body: {
            id,
            kind: kind as Device['kind'],
            ...(name !== '' && { name }),
            department: department === '' ? null : department,
            customer: customer === '' ? null : customer,
          },
        });
        list.reload();
        // Software seldom has a certificate; what else proves it is made where it is shown.
        if (kind === 'gateway' || !may('device.get')) showSecret(made.id, made.enrolmentSecret);
        else location.hash = organisationHref(organisation, 'devices', made.id);
      },
    });

  const change = (device: Device): void =>
    stage.ask({
      title: `Change ${device.name}`,
      fields: {
        name: { kind: 'text', label: 'Name', value: device.name },
        department: {
          kind: 'choice',
          label: 'Department',
          options: departments,
          value: device.department ?? '',
          shown: () => may('departments.get'),
        },
        customer: {
          kind: 'choice',
          label: 'Customer',
          options: customers,
          value: device.customer ?? '',
          shown: () => may('customers.get'),
        },
      },
      act: 'Change',
      async run(values) {
        const department = values.department === '' ? null : values.department;
        const customer = values.customer === '' ? null : values.customer;
        await api.call('patchDevice', {
          organisation,
          device: device.id,
          body: {
            ...(values.name !== device.name && { name: values.name }),
            ...(department !== device.department && { department }),
            ...(customer !== device.customer && { customer }),
          },
        });
        list.reload();
      },
    });

  return (
    <Panel
      title="Devices"
      stage={stage}
      acts={
        options.isReady &&
        may('devices.create') && (
          <button type="button" onClick={create}>
            New device
          </button>
        )
      }
    >
      <FilterBar
        filters={{
          name: { kind: 'text', label: 'Name' },
          department: {
            kind: 'choice',
            label: 'Department',
            options: [...options.departments, { value: 'none', label: 'unassigned' }],
          },
          customer: {
            kind: 'choice',
            label: 'Customer',
            options: [...options.customers, { value: 'none', label: 'the organisation’s own' }],
          },
          connected: {
            kind: 'choice',
            label: 'Connected',
            options: [
              { value: 'true', label: 'yes' },
              { value: 'false', label: 'no' },
            ],
          },
        }}
        onChange={setFilter}
      />
      <Listing
        title="Devices"
        list={list}
        idOf={({ id }) => id}
        empty="There is no device here yet."
        columns={[
          {
            title: 'Device',
            cell: ({ id, name, kind }) => (
              <>
                {may('device.get') ? (
                  <a href={organisationHref(organisation, 'devices', id)}>{name}</a>
                ) : (
                  name
                )}{' '}
                {name !== id && <span class="tag">{id}</span>}{' '}
                {kind === 'software' && <span class="badge">software</span>}
              </>
            ),
          },
          {
            title: 'Department',
            cell: ({ department }) =>
              department === null ? 'unassigned' : labelOf(options.departments, department),
          },
          {
            title: 'Customer',
            cell: ({ customer }) => (customer === null ? 'own' : labelOf(options.customers, customer)),
          },
          {
            title: 'State',
            cell: (device) => (
              <>
                <DeviceState {...device} /> <span class="muted">{device.runtime}</span>
              </>
            ),
          },
        ]}
        actsOf={(device) => [
          options.isReady && may('device.patch') && { label: 'Change', run: () => change(device) },
          may('device.patch') && device.retired === null && deviceSwitch(stage, scene, device, list.reload),
          may('device.enrol') &&
            device.retired === null && {
              label: 'New secret',
              run: () =>
                stage.confirm({
                  title: `New enrolment secret for ${device.name}?`,
                  text: 'The one before ends. A device that is enrolled already goes on as it is.',
                  act: 'Make it',
                  isDangerous: false,
                  async run() {
                    const { enrolmentSecret } = await api.call('enrolDevice', {
                      organisation,
                      device: device.id,
                    });
                    showSecret(device.id, enrolmentSecret);
                  },
                }),
            },
        ]}
      />
    </Panel>
  );
}
