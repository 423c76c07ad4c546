import { useState } from 'preact/hooks';
import type { Api, Session } from '../api.ts';
import { Form } from '../parts/form.tsx';
import { Doorstep } from './doorstep.tsx';

interface Props {
  readonly api: Api;
  /** Why the login is asked for, where that is not plain; empty at first. */
  readonly notice: string;
  readonly onLogIn: () => void;
}

/** E-mail and password; or a link for who has forgotten the password. */
export function Login({ api, notice, onLogIn }: Props) {
  const [isForgotten, setIsForgotten] = useState(false);
  if (isForgotten) return <Forgotten api={api} onBack={() => setIsForgotten(false)} />;
  return (
    <Doorstep notice={notice}>
      <Form
        fields={{
          email: { kind: 'text', label: 'E-mail', autocomplete: 'username' },
          password: { kind: 'password', label: 'Password' },
        }}
        act="Log in"
        onSubmit={async ({ email, password }) => {
          await api.call('logIn', { body: { email, password } });
          onLogIn();
        }}
      />
      <button type="button" class="plain" onClick={() => setIsForgotten(true)}>
        Forgot your password?
      </button>
    </Doorstep>
  );
}

function Forgotten({ api, onBack }: { readonly api: Api; readonly onBack: () => void }) {
  const [isAsked, setIsAsked] = useState(false);
  return (
    <Doorstep heading="Forgot your password?">
      {isAsked ? (
        <p role="status">
          If somebody here has this address, a link to set a new password is on its way. It is good for an
          hour.
        </p>
      ) : (
        <Form
          fields={{ email: { kind: 'text', type: 'email', label: 'E-mail', autocomplete: 'username' } }}
          act="Send a link"
          onSubmit={async ({ email }) => {
            await api.call('requestPasswordReset', { body: { email } });
            setIsAsked(true);
          }}
        />
      )}
      <button type="button" class="plain" onClick={onBack}>
        Back to the login
      </button>
    </Doorstep>
  );
}

interface SecondFactorProps {
  readonly api: Api;
  readonly session: Session;
  readonly onLogIn: () => void;
  readonly onLogOut: () => void;
}

/** The second factor of a session that lacks it; and what to do without it. */
export function SecondFactor({ api, session, onLogIn, onLogOut }: SecondFactorProps) {
  const [isLost, setIsLost] = useState(false);
  const [takesEffect, setTakesEffect] = useState<string | undefined>();
  return (
    <Doorstep heading={`One more step, ${session.name}`}>
      {isLost ? (
        <Lost
          takesEffect={takesEffect}
          onAsk={async () => setTakesEffect((await api.call('requestSecondFactorReset')).takesEffect)}
          onBack={() => setIsLost(false)}
        />
      ) : (
        <>
          <Form
            fields={{
              code: {
                kind: 'text',
                label: 'Code',
                autocomplete: 'one-time-code',
                hint: 'The six digits your authenticator app shows now, or one of your recovery codes.',
              },
            }}
            act="Continue"
            onSubmit={async ({ code }) => {
              await api.call('confirmSecondFactor', { body: { code } });
              onLogIn();
            }}
          />
          <button type="button" class="plain" onClick={() => setIsLost(true)}>
            Lost your authenticator and your recovery codes?
          </button>
        </>
      )}
      <button type="button" class="plain" onClick={onLogOut}>
        Log out
      </button>
    </Doorstep>
  );
}

interface LostProps {
  readonly takesEffect: string | undefined;
  readonly onAsk: () => Promise<void>;
  readonly onBack: () => void;
}

function Lost({ takesEffect, onAsk, onBack }: LostProps) {
  if (takesEffect !== undefined)
    return (
      <p role="status">
        Your second factor is reset on <b>{new Date(takesEffect).toLocaleString()}</b>: log in with your
        password after that. You get a mail with a link that stops it, should you find your authenticator.
      </p>
    );
  return (
    <>
      <p>
        Ask to have it reset. That takes effect after a delay, so that its owner can stop it if it is not you
        who asks. It is quicker if two of your administrators do it, or with a recovery code.
      </p>
      <Form fields={{}} act="Ask for a reset" onSubmit={onAsk} onCancel={onBack} />
    </>
  );
}
