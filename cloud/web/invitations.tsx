import { useState } from 'preact/hooks';
import type { Api } from './api.ts';
import { usePolling } from './hooks.ts';
import { inWords } from './words.ts';

/** Milliseconds between two looks. */
const PERIOD = 60_000;

interface Props {
  readonly api: Api;
  /** To be called when what one may do has changed. */
  readonly onChanged: () => Promise<void>;
}

/** What organisations ask of who is logged in: he is nothing there before he accepts. */
export function Invitations({ api, onChanged }: Props) {
  const [items, setItems] = useState<readonly Invitation[]>([]);
  const [message, setMessage] = useState('');
  const look = usePolling(async () => {
    try {
      setItems((await api.call('listInvitations', { query: {} })).items);
    } catch {
      // What the view shows fails as well, and says so.
    }
  }, PERIOD);
  const answer = async (act: () => Promise<void>): Promise<void> => {
    setMessage('');
    try {
      await act();
      await onChanged();
    } catch (error) {
      setMessage(inWords(error));
    }
    look();
  };
  return (
    <>
      {items.map(({ organisation: { id, name }, role }) => (
        <section key={id} class="panel" aria-label={`Invitation of ${name}`}>
          <p>
            <b>{name}</b> ({id}) invites you, as {role}. Once you accept, its administrators see your name,
            whether you have a second factor, and when and from where you log in. You can leave at any time.
          </p>
          <div class="panel-acts">
            <button
              type="button"
              onClick={() => void answer(() => api.call('acceptInvitation', { organisation: id }))}
            >
              Accept
            </button>
            <button
              type="button"
              onClick={() => void answer(() => api.call('declineInvitation', { organisation: id }))}
            >
              Decline
            </button>
          </div>
        </section>
      ))}
      <p class="message" role="alert">
        {message}
      </p>
    </>
  );
}

type Invitation = Awaited<ReturnType<typeof listed>>['items'][number];
const listed = (api: Api) => api.call('listInvitations', { query: {} });
