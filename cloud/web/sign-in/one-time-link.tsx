import { useEffect, useState } from 'preact/hooks';
import { type Api, Problem } from '../api.ts';
import { Form } from '../parts/form.tsx';
import type { OneTimeLink } from '../place.ts';
import { inWords, timeInWords } from '../words.ts';
import { Doorstep } from './doorstep.tsx';
import { SetUp } from './set-up.tsx';

export interface OneTimeLinkProps {
  readonly api: Api;
  readonly link: OneTimeLink;
  /** Called when it has been followed or left, with what the login is to say. */
  readonly onDone: (notice: string) => void;
}

/** What a link that came by mail, or that the first start printed, is for. */
export function FollowLink({ api, link, onDone }: OneTimeLinkProps) {
  const { purpose, secret } = link;
  switch (purpose) {
    case 'setup':
      return <SetUp api={api} secret={secret} onDone={onDone} />;
    case 'set-password':
    case 'reset-password':
      return <SetPassword api={api} secret={secret} onDone={onDone} />;
    case 'keep-second-factor':
      return <KeepSecondFactor api={api} secret={secret} onDone={onDone} />;
  }
}

interface Props {
  readonly api: Api;
  readonly secret: string;
  readonly onDone: (notice: string) => void;
}

/** Milliseconds between two tries to learn whom a link is for. */
const RETRY = 3_000;

type Whose =
  | { readonly kind: 'asking'; readonly failure: string }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'known'; readonly email: string; readonly name: string; readonly expires: string };

function SetPassword({ api, secret, onDone }: Props) {
  const whose = useWhose(api, secret);
  switch (whose.kind) {
    case 'asking':
      return (
        <Doorstep heading="Set your password">
          <p role="status">{whose.failure}</p>
        </Doorstep>
      );
    case 'refused':
      return (
        <Doorstep heading="Set your password" notice={whose.why}>
          <button type="button" class="plain" onClick={() => onDone('')}>
            To the login
          </button>
        </Doorstep>
      );
    case 'known':
      return (
        <Doorstep heading="Set your password">
          <p>
            For {whose.name}, <b>{whose.email}</b>. This link is good until {timeInWords(whose.expires)}, and
            once.
          </p>
          <input
            class="hidden"
            type="text"
            autocomplete="username"
            value={whose.email}
            readOnly
            tabIndex={-1}
            aria-hidden="true"
          />
          <Form
            fields={{
              password: {
                kind: 'new-password',
                label: 'New password',
                hint: '15 characters or more. A generated one is best, kept in a password manager.',
              },
            }}
            act="Set password"
            onSubmit={async ({ password }) => {
              await api.call('setPassword', { body: { secret, password } });
              onDone('Your password is set. Log in with it.');
            }}
          />
        </Doorstep>
      );
  }
}

function useWhose(api: Api, secret: string): Whose {
  const [whose, setWhose] = useState<Whose>({ kind: 'asking', failure: '' });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const ask = async (): Promise<void> => {
      try {
        const { email, name, expires } = await api.call('readLink', { body: { secret } });
        if (!isOver) setWhose({ kind: 'known', email, name, expires });
      } catch (error) {
        if (isOver) return;
        const why = inWords(error);
        if (error instanceof Problem && error.code === 'link-invalid') setWhose({ kind: 'refused', why });
        else {
          setWhose({ kind: 'asking', failure: why });
          timer = setTimeout(
            () => void ask(),
            error instanceof Problem ? 1_000 * (error.retryAfter ?? 10) : RETRY,
          );
        }
      }
    };
    void ask();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [api, secret]);
  return whose;
}

/** A press of a button, not the opening of the link: programs that look at mails follow links. */
function KeepSecondFactor({ api, secret, onDone }: Props) {
  return (
    <Doorstep heading="Keep your second factor">
      <p>Somebody who knows your password has said that your authenticator is lost, and asked for a reset.</p>
      <p>If that was not you, stop it here, and change your password.</p>
      <Form
        fields={{}}
        act="Stop the reset"
        onCancel={() => onDone('')}
        onSubmit={async () => {
          await api.call('keepSecondFactor', { body: { secret } });
          onDone(
            'The reset is stopped: your second factor stays. Change your password if it was not you who asked.',
          );
        }}
      />
    </Doorstep>
  );
}
