import type { ItemOf } from '../api.ts';
import type { Fields } from '../parts/fields.ts';
import { Listing, useList } from '../parts/listing.tsx';
import { useStage } from '../parts/stage.tsx';
import { Time } from '../parts/time.tsx';
import { type CredentialKind, credentialKinds, credentialLines } from './credential-lines.ts';
import { Panel } from './panel.tsx';
import { statusBadge } from './program-limits.tsx';
import type { Scene } from './scene.ts';
import { statusActs } from './status-acts.ts';

type Credential = ItemOf<'listDeviceCredentials'>;

/** Days a credential may live at most; 0 in the form stands for no end. */
const MOST_DAYS = 3650;

const kindOptions = Object.entries(credentialKinds).map(([value, label]) => ({ value, label }));

/** What a device proves itself by, beside a certificate. */
export function DeviceCredentials({ api, organisation, item: device, may }: Scene) {
  const stage = useStage();
  const list = useList(device, (after) =>
    api.call('listDeviceCredentials', { organisation, device, query: { after } }),
  );

  const create = (): void =>
    stage.ask({
      title: `New credential of ${device}`,
      text: 'It delivers for this device and does nothing else. Where the device has one of the kind, that one ends when the new one is first used.',
      fields: {
        kind: { kind: 'choice', label: 'Kind', options: kindOptions },
        name: { kind: 'text', label: 'Name', hint: 'Where it is used.' },
        days: {
          kind: 'number',
          label: 'Days until it expires',
          hint: '0: never.',
          least: 0,
          most: MOST_DAYS,
        },
      } satisfies Fields,
      act: 'Create',
      async run({ kind, name, days }) {
        const made = await api.call('createDeviceCredential', {
          organisation,
          device,
          body: { kind: kind as CredentialKind, name, days: days === 0 ? null : days },
        });
        list.reload();
        stage.showOnce({
          title: `Credential ${name}`,
          text: [
            ...(made.replaces === null ? [] : ['The one before ends when this one is first used.']),
            'The line delivers a first reading: authority.pem is the certificate of your cloud’s authority.',
            ...(made.kind.startsWith('socket')
              ? ['PORT is the one that its operator opened for sockets.']
              : []),
          ].join(' '),
          secrets: credentialLines(made, { device, origin: location.origin }),
        });
      },
    });

  const setStatus = async (credential: string, status: 'active' | 'inactive'): Promise<void> => {
    await api.call('patchDeviceCredential', { organisation, device, credential, body: { status } });
    list.reload();
  };
  const nameOf = (id: string): string => list.items?.find((one) => one.id === id)?.name ?? id;

  return (
    <Panel
      title="Credentials"
      text="What the device proves itself by, beside a certificate. To replace one, make another: the old one ends when the new one is first used."
      stage={stage}
      acts={
        may('device-credentials.create') && (
          <button type="button" onClick={create}>
            New credential
          </button>
        )
      }
    >
      <Listing
        title="Credentials"
        list={list}
        idOf={({ id }) => id}
        empty="It has no token and no key."
        columns={[
          {
            title: 'Credential',
            cell: ({ id, name, status }) => (
              <>
                {name} {statusBadge(status)}
                <br />
                <code>{id}</code>
              </>
            ),
          },
          { title: 'Kind', cell: ({ kind }) => credentialKinds[kind].split(':')[0] },
          { title: 'Expires', cell: ({ expires }) => <Time at={expires} nothing="never" /> },
          {
            title: 'Last used',
            cell: (one) => (
              <>
                <Time at={one.used} nothing="never" />
                {isWaiting(one) && <p class="muted">“{nameOf(one.replaces)}” ends at its first use</p>}
              </>
            ),
          },
        ]}
        actsOf={(credential) =>
          statusActs(stage, {
            ...credential,
            mayPatch: may('device-credential.patch'),
            mayDelete: may('device-credential.delete'),
            deactivated: 'Its links end, and it opens nothing until it is activated again.',
            revoked: 'It ends at once and for good, and so do its links.',
            setStatus: (status) => setStatus(credential.id, status),
            async revoke() {
              await api.call('deleteDeviceCredential', {
                organisation,
                device,
                credential: credential.id,
              });
              list.reload();
            },
          })
        }
      />
    </Panel>
  );
}

/** Whether it is to take another's place, and has not yet. */
function isWaiting(one: Credential): one is Credential & { replaces: string } {
  return one.replaces !== null && one.used === null && one.status === 'active';
}
