import { useState } from 'preact/hooks';
import type { Stage } from '../parts/stage.tsx';
import { inWords } from '../words.ts';
import type { ProfileProps } from './profile.tsx';

interface Props extends Pick<ProfileProps, 'api' | 'session' | 'onLeave'> {
  readonly stage: Stage;
}

/** One's data: taken along, and erased. */
export function Farewell({ api, session, stage, onLeave }: Props) {
  const [message, setMessage] = useState('');
  const takeAlong = async (): Promise<void> => {
    setMessage('');
    try {
      save('loadline-my-data.json', JSON.stringify(await api.call('exportProfile'), null, 2));
    } catch (error) {
      setMessage(inWords(error));
    }
  };
  return (
    <section class="panel" aria-labelledby="data-heading">
      <h2 id="data-heading">My data</h2>
      <p class="message" role="alert">
        {message}
      </p>
      <div class="panel-acts">
        <button type="button" onClick={() => void takeAlong()}>
          Export my data
        </button>
        <button
          type="button"
          class="is-dangerous"
          onClick={() =>
            stage.ask({
              title: 'Erase yourself?',
              text: 'Your account ends at once and for good, and so do your sessions and API tokens. Audit logs keep what you did under a pseudonym that leads to nobody.',
              fields: {
                password: { kind: 'password', label: 'Your password' },
                sure: {
                  kind: 'text',
                  label: `Type “erase ${session.email}”`,
                  pattern: literal(`erase ${session.email}`),
                },
              },
              act: 'Erase me',
              isDangerous: true,
              async run({ password }) {
                await api.call('eraseSelf', { body: { password } });
                onLeave('You are erased: the account is no more.');
              },
            })
          }
        >
          Erase me
        </button>
      </div>
    </section>
  );
}

/** A pattern that this text alone matches. Browsers read it with the flag `v`, or `u`: no other escapes than these. */
function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

function save(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
