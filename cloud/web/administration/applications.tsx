import { Listing, useList } from '../parts/listing.tsx';
import { useStage } from '../parts/stage.tsx';
import { Time } from '../parts/time.tsx';
import { organisationHref } from '../place.ts';
import { ApplicationKeys } from './application-keys.tsx';
import { useOptions } from './options.ts';
import { Panel } from './panel.tsx';
import { limitsInWords, orNull } from './program-limits.tsx';
import type { Scene } from './scene.ts';

/** Programs that follow devices over MQTT; or the keys of one of them. */
export function Applications(scene: Scene) {
  return scene.item === '' ? <AllApplications {...scene} /> : <ApplicationKeys {...scene} />;
}

function AllApplications(scene: Scene) {
  const { api, organisation, may } = scene;
  const stage = useStage();
  const options = useOptions(scene, ['devices']);
  const list = useList('', (after) => api.call('listApplications', { organisation, query: { after } }));
  const devices = {
    kind: 'choices',
    label: 'Only these devices',
    hint: 'None chosen: all of the organisation.',
    options: options.devices,
  } as const;

  return (
    <Panel
      title="Applications"
      text="Programs that follow devices over MQTT, each with keys of its own."
      stage={stage}
      acts={
        options.isReady &&
        may('applications.create') && (
          <button
            type="button"
            onClick={() =>
              stage.ask({
                title: 'New application',
                fields: { name: { kind: 'text', label: 'Name' }, devices },
                act: 'Create',
                async run({ name, devices: only }) {
                  await api.call('createApplication', {
                    organisation,
                    body: { name, devices: orNull(only) },
                  });
                  list.reload();
                },
              })
            }
          >
            New application
          </button>
        )
      }
    >
      <Listing
        title="Applications"
        list={list}
        idOf={({ id }) => id}
        empty="There is no application."
        columns={[
          {
            title: 'Application',
            cell: ({ id, name }) =>
              may('application-keys.get') ? (
                <a href={organisationHref(organisation, 'applications', id)}>{name}</a>
              ) : (
                name
              ),
          },
          { title: 'Only', cell: (application) => limitsInWords({ ...application, tags: null }) },
          { title: 'Made', cell: ({ created }) => <Time at={created} /> },
        ]}
        actsOf={(application) => [
          options.isReady &&
            may('application.patch') && {
              label: 'Change',
              run: () =>
                stage.ask({
                  title: `Change ${application.name}`,
                  fields: {
                    name: { kind: 'text', label: 'Name', value: application.name },
                    devices: { ...devices, value: application.devices ?? [] },
                  },
                  act: 'Change',
                  async run({ name, devices: only }) {
                    await api.call('patchApplication', {
                      organisation,
                      application: application.id,
                      body: { name, devices: orNull(only) },
                    });
                    list.reload();
                  },
                }),
            },
          may('application.delete') && {
            label: 'Delete',
            isDangerous: true,
            run: () =>
              stage.confirm({
                title: `Delete ${application.name}?`,
                text: 'Its keys end at once, and so do their links.',
                act: 'Delete',
                async run() {
                  await api.call('deleteApplication', { organisation, application: application.id });
                  list.reload();
                },
              }),
          },
        ]}
      />
    </Panel>
  );
}
