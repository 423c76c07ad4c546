import { useEffect, useState } from 'preact/hooks';
import type { ItemOf } from '../api.ts';
import type { Fields } from '../parts/fields.ts';
import { Listing, useList } from '../parts/listing.tsx';
import { useStage } from '../parts/stage.tsx';
import { Time } from '../parts/time.tsx';
import { organisationHref } from '../place.ts';
import { useOptions } from './options.ts';
import { Panel } from './panel.tsx';
import { limitFields, limitsInWords, orNull, statusBadge } from './program-limits.tsx';
import type { Scene } from './scene.ts';
import { statusActs } from './status-acts.ts';

type Key = ItemOf<'listApplicationKeys'>;

/** Days a key may live at most; 0 in the form stands for no end. */
const MOST_DAYS = 3650;

/** Keys and secrets of an application: MQTT user names and passwords. */
export function ApplicationKeys(scene: Scene) {
  const { api, organisation, item: application, may } = scene;
  const stage = useStage();
  const { devices, isReady } = useOptions(scene, ['devices']);
  const name = useName(scene);
  const list = useList(application, (after) =>
    api.call('listApplicationKeys', { organisation, application, query: { after } }),
  );

  const create = (): void =>
    stage.ask({
      title: `New key of ${name}`,
      fields: {
        name: { kind: 'text', label: 'Name', hint: 'Where it is used.' },
        days: {
          kind: 'number',
          label: 'Days until it expires',
          hint: '0: never.',
          least: 0,
          most: MOST_DAYS,
        },
        ...limitFields(devices),
        topics: {
          kind: 'words',
          label: `Only these topics, below v1/org/${organisation}/`,
          hint: 'MQTT filters, as in readings/+/25DF. None: no limit.',
        },
      } satisfies Fields,
      act: 'Create',
      async run({ name: label, days, devices: only, tags, topics }) {
        const made = await api.call('createApplicationKey', {
          organisation,
          application,
          body: {
            name: label,
            days: days === 0 ? null : days,
            devices: orNull(only),
            tags: orNull(tags),
            topics: orNull(topics),
          },
        });
        list.reload();
        stage.showOnce({
          title: `Key ${label}`,
          text: 'User name and password of an MQTT client.',
          secrets: [
            { label: 'Key (user name)', value: made.id },
            { label: 'Secret (password)', value: made.secret },
          ],
        });
      },
    });

  const setStatus = async (key: Key, status: 'active' | 'inactive'): Promise<void> => {
    await api.call('patchApplicationKey', { organisation, application, key: key.id, body: { status } });
    list.reload();
  };

  return (
    <Panel
      title={`Keys of ${name}`}
      text={<a href={organisationHref(organisation, 'applications')}>All applications</a>}
      stage={stage}
      acts={
        isReady &&
        may('application-keys.create') && (
          <button type="button" onClick={create}>
            New key
          </button>
        )
      }
    >
      <Listing
        title="Keys"
        list={list}
        idOf={({ id }) => id}
        empty="It has no key yet."
        columns={[
          {
            title: 'Key',
            cell: ({ id, name: label, status }) => (
              <>
                {label} {statusBadge(status)}
                <br />
                <code>{id}</code>
              </>
            ),
          },
          { title: 'Only', cell: (key) => limitsInWords(key) },
          { title: 'Expires', cell: ({ expires }) => <Time at={expires} nothing="never" /> },
          { title: 'Last used', cell: ({ used }) => <Time at={used} nothing="never" /> },
        ]}
        actsOf={(key) =>
          statusActs(stage, {
            ...key,
            mayPatch: may('application-key.patch'),
            mayDelete: may('application-key.delete'),
            deactivated: 'Its links end, and it opens nothing until it is activated again.',
            revoked: 'It ends at once and for good, and so do its links.',
            setStatus: (status) => setStatus(key, status),
            async revoke() {
              await api.call('deleteApplicationKey', { organisation, application, key: key.id });
              list.reload();
            },
          })
        }
      />
    </Panel>
  );
}

function useName({ api, organisation, item: application, may }: Scene): string {
  const [name, setName] = useState('the application');
  useEffect(() => {
    if (!may('application.get')) return;
    // The list says that it is not there.
    api.call('getApplication', { organisation, application }).then(
      (one) => setName(one.name),
      () => {},
    );
  }, [api, organisation, application]);
  return name;
}
