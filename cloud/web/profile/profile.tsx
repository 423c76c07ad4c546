import type { Api, Session } from '../api.ts';
import { useStage } from '../parts/stage.tsx';
import { Farewell } from './farewell.tsx';
import { Memberships } from './memberships.tsx';
import { SecondFactorPanel } from './second-factor.tsx';
import { Sessions } from './sessions.tsx';

export interface ProfileProps {
  readonly api: Api;
  readonly session: Session;
  readonly onChanged: () => Promise<void>;
  /** Called when the account is no more, with what the login is to say. */
  readonly onLeave: (notice: string) => void;
}

/** What is one's own: name, password, second factor, sessions, data. */
export function Profile({ api, session, onChanged, onLeave }: ProfileProps) {
  const stage = useStage();
  return (
    <>
      {stage.view}
      <section class="panel" aria-labelledby="profile-heading">
        <h2 id="profile-heading">{session.name}</h2>
        <p class="muted">{session.email}</p>
        <div class="panel-acts">
          <button
            type="button"
            onClick={() =>
              stage.ask({
                title: 'Change your name',
                fields: { name: { kind: 'text', label: 'Name', autocomplete: 'name', value: session.name } },
                act: 'Change',
                async run({ name }) {
                  await api.call('patchProfile', { body: { name } });
                  await onChanged();
                },
              })
            }
          >
            Change name
          </button>
          <button
            type="button"
            onClick={() =>
              stage.ask({
                title: 'Change your password',
                text: 'Every other session of yours ends.',
                fields: {
                  current: { kind: 'password', label: 'Present password' },
                  password: {
                    kind: 'new-password',
                    label: 'New password',
                    hint: '15 characters or more. A generated one is best, kept in a password manager.',
                  },
                },
                act: 'Change',
                async run({ current, password }) {
                  await api.call('changePassword', { body: { current, password } });
                  stage.tell('Changed', 'Your password is changed.');
                },
              })
            }
          >
            Change password
          </button>
        </div>
      </section>
      <SecondFactorPanel api={api} session={session} stage={stage} onChanged={onChanged} />
      <Memberships api={api} session={session} stage={stage} onChanged={onChanged} />
      <Sessions api={api} stage={stage} />
      <Farewell api={api} session={session} stage={stage} onLeave={onLeave} />
    </>
  );
}
