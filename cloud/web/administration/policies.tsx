import { useEffect, useState } from 'preact/hooks';
import type { Api } from '../api.ts';
import { Form } from '../parts/form.tsx';
import { useStage } from '../parts/stage.tsx';
import { inWords, timeInWords } from '../words.ts';
import { Panel } from './panel.tsx';
import type { Scene } from './scene.ts';

type Organisation = Awaited<ReturnType<typeof read>>;

const read = (api: Api, organisation: string) => api.call('getOrganisation', { organisation });

const isolations = [
  { value: 'basic', label: 'their departments’ devices and unassigned ones (basic)' },
  { value: 'strict', label: 'their departments’ devices only (strict)' },
] as const;
const factors = [
  { value: 'not-required', label: 'nobody' },
  { value: 'administrators', label: 'administrators' },
  { value: 'everyone', label: 'everyone' },
] as const;

const socketPolicies = [
  { value: 'off', label: 'nothing' },
  { value: 'tls', label: 'over TLS' },
  { value: 'signed', label: 'over TLS, and signed lines over TCP and UDP' },
  { value: 'all', label: 'all, also tokens in clear over TCP and UDP' },
] as const;

const updatePolicies = [
  { value: 'on', label: 'are updated to the releases that are rolled out' },
  { value: 'paused', label: 'stay with the releases that they run' },
] as const;

/** What holds for the whole of an organisation. */
export function Policies({ api, organisation, may }: Scene) {
  const stage = useStage();
  const [present, setPresent] = useState<Organisation | undefined>();
  const [message, setMessage] = useState('');
  useEffect(() => {
    read(api, organisation).then(setPresent, (error: unknown) => setMessage(inWords(error)));
  }, [api, organisation]);

  return (
    <Panel
      title="Policies"
      stage={stage}
      acts={
        may('organisation.cut-off') && (
          <button
            type="button"
            class="is-dangerous"
            onClick={() =>
              stage.confirm({
                title: 'Cut everybody off?',
                text: 'Every session and every API token of this organisation that is older than now ends: yours too. People log in again; programs need new tokens.',
                act: 'Cut off',
                async run() {
                  await api.call('cutOffOrganisation', { organisation });
                  api.onDoubt();
                },
              })
            }
          >
            Cut everybody off
          </button>
        )
      }
    >
      <p class="message" role="status">
        {message}
      </p>
      {present !== undefined && (
        <>
          <Form
            fields={{
              name: { kind: 'text', label: 'Name', value: present.name },
              isolation: {
                kind: 'choice',
                label: 'Who acts for departments sees',
                options: isolations,
                value: present.isolation,
              },
              secondFactor: {
                kind: 'choice',
                label: 'A second factor is asked of',
                options: factors,
                value: present.secondFactor,
                hint: 'To who has none, nothing opens here until it is enabled.',
              },
              tokenDays: {
                kind: 'number',
                label: 'Days an API token lives at most',
                least: 1,
                most: 365,
                value: present.tokenDays,
              },
              auditDays: {
                kind: 'number',
                label: 'Days the audit log is kept',
                least: 30,
                most: 3650,
                value: present.auditDays,
              },
              readingsDays: {
                kind: 'number',
                label: 'Days that readings are kept',
                least: 0,
                most: 36_500,
                value: present.readingsDays ?? 0,
                hint: '0: for ever. Of single series something else can be said.',
              },
              certificateGraceDays: {
                kind: 'number',
                label: 'Days after its end that a gateway may still renew its certificate',
                least: 0,
                most: 400,
                value: present.certificateGraceDays,
                hint: '0: never. A gateway that was off for longer needs a technician.',
              },
              sockets: {
                kind: 'choice',
                label: 'Devices deliver by socket',
                options: socketPolicies,
                value: present.sockets,
                hint: 'A token that comes over TCP or UDP is a secret in clear: whoever listens on the way has it.',
              },
              updates: {
                kind: 'choice',
                label: 'Its gateways',
                options: updatePolicies,
                value: present.updates,
              },
            }}
            act="Save"
            onSubmit={async ({
              name,
              isolation,
              secondFactor,
              tokenDays,
              auditDays,
              readingsDays,
              certificateGraceDays,
              sockets,
              updates,
            }) => {
              setMessage('');
              await api.call('patchOrganisation', {
                organisation,
                body: {
                  name,
                  isolation: isolation as Organisation['isolation'],
                  secondFactor: secondFactor as Organisation['secondFactor'],
                  tokenDays,
                  auditDays,
                  readingsDays: readingsDays === 0 ? null : readingsDays,
                  certificateGraceDays,
                  sockets: sockets as Organisation['sockets'],
                  updates: updates as Organisation['updates'],
                },
              });
              setMessage('Saved.');
              // What is asked of everybody is asked of who has said so, too.
              api.onDoubt();
            }}
          />
          <p class="muted">
            Made {timeInWords(present.created)}. Sessions and tokens have been cut off:{' '}
            {timeInWords(present.cutOff, 'never')}.
          </p>
        </>
      )}
    </Panel>
  );
}
