import { useEffect, useState } from 'preact/hooks';
import type { ItemOf } from '../api.ts';
import type { Fields } from '../parts/fields.ts';
import { Listing, useList } from '../parts/listing.tsx';
import { useStage } from '../parts/stage.tsx';
import { Time } from '../parts/time.tsx';
import { useOptions } from './options.ts';
import { Panel } from './panel.tsx';
import { limitFields, limitsInWords, orNull, statusBadge } from './program-limits.tsx';
import { ScopeList } from './roles.tsx';
import type { Scene } from './scene.ts';
import { scopeOptions } from './scope-options.ts';
import { statusActs } from './status-acts.ts';

type Token = ItemOf<'listTokens'>;

/** Days a token may live where the organisation's own limit cannot be read, and days it lives unless it is said. */
const MOST_DAYS = 365;
const USUAL_DAYS = 90;

/** Tokens by which programs use the API. */
export function Tokens(scene: Scene) {
  const { api, organisation, standing, may } = scene;
  const stage = useStage();
  const { devices, isReady } = useOptions(scene, ['devices']);
  const mostDays = useMostDays(scene);
  const list = useList('', (after) => api.call('listTokens', { organisation, query: { after } }));

  const create = (): void =>
    stage.ask({
      title: 'New API token',
      text: 'It never does more than you may, now or later.',
      fields: {
        name: { kind: 'text', label: 'Name', hint: 'What it is for.' },
        range: {
          kind: 'choice',
          label: 'It may do',
          value: 'all.read',
          options: [
            { value: 'all.read', label: 'all that only reads' },
            { value: 'all.*', label: 'everything' },
            { value: 'custom', label: 'only what is chosen' },
          ],
        },
        scopes: {
          kind: 'choices',
          label: 'Scopes',
          options: scopeOptions(standing.scopes),
          shown: ({ range }) => range === 'custom',
        },
        days: {
          kind: 'number',
          label: 'Days until it expires',
          least: 1,
          most: mostDays,
          value: Math.min(USUAL_DAYS, mostDays),
        },
        ...limitFields(devices),
      } satisfies Fields,
      act: 'Create',
      async run({ name, range, scopes, days, devices: only, tags }) {
        const { value } = await api.call('createToken', {
          organisation,
          body: {
            name,
            scopes: range === 'custom' ? [...scopes] : [range],
            days,
            devices: orNull(only),
            tags: orNull(tags),
          },
        });
        list.reload();
        stage.showOnce({
          title: `API token ${name}`,
          text: 'Send it as “Authorization: Bearer …”, and never in an address.',
          secrets: [{ label: 'API token', value }],
        });
      },
    });

  const setStatus = async (token: Token, status: 'active' | 'inactive'): Promise<void> => {
    await api.call('patchToken', { organisation, token: token.id, body: { status } });
    list.reload();
  };

  return (
    <Panel
      title="API tokens"
      text="Programs use the API with them. Their values are not kept: whoever loses one makes another."
      stage={stage}
      acts={
        isReady &&
        may('tokens.create') && (
          <button type="button" onClick={create}>
            New token
          </button>
        )
      }
    >
      <Listing
        title="API tokens"
        list={list}
        idOf={({ id }) => id}
        empty="There is no API token."
        columns={[
          {
            title: 'Token',
            cell: ({ name, status, creator }) => (
              <>
                {name} {statusBadge(status)}
                <br />
                <span class="muted">by {creator.name}</span>
              </>
            ),
          },
          { title: 'May', cell: ({ scopes }) => <ScopeList scopes={scopes} /> },
          { title: 'Only', cell: (token) => limitsInWords(token) },
          { title: 'Expires', cell: ({ expires }) => <Time at={expires} /> },
          { title: 'Last used', cell: ({ used }) => <Time at={used} nothing="never" /> },
        ]}
        actsOf={(token) =>
          statusActs(stage, {
            ...token,
            mayPatch: may('token.patch'),
            mayDelete: may('token.delete'),
            deactivated: 'It opens nothing until it is activated again.',
            revoked: 'It ends at once and for good.',
            setStatus: (status) => setStatus(token, status),
            async revoke() {
              await api.call('deleteToken', { organisation, token: token.id });
              list.reload();
            },
          })
        }
      />
    </Panel>
  );
}

function useMostDays({ api, organisation, may }: Scene): number {
  const [days, setDays] = useState(MOST_DAYS);
  useEffect(() => {
    if (!may('organisation.get')) return;
    // What is over the limit is refused when it is made.
    api.call('getOrganisation', { organisation }).then(
      ({ tokenDays }) => setDays(tokenDays),
      () => {},
    );
  }, [api, organisation]);
  return days;
}
