import { useRef, useState } from 'preact/hooks';
import { type Api, Problem } from './api.ts';

interface Props {
  readonly api: Api;
  /** Why the login is asked for again; empty at first. */
  readonly notice: string;
  readonly onLogIn: () => void;
}

/** Name and password; what went wrong in words. */
export function Login({ api, notice, onLogIn }: Props) {
  const [message, setMessage] = useState(notice);
  const [isBusy, setIsBusy] = useState(false);
  const name = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);

  const submit = async (): Promise<void> => {
    if (name.current === null || password.current === null || isBusy) return;
    setIsBusy(true);
    setMessage('');
    try {
      await api.logIn(name.current.value, password.current.value);
      onLogIn();
    } catch (error) {
      setMessage(inWords(error));
      setIsBusy(false);
      password.current.select();
    }
  };

  return (
    <main class="login">
      <form
        class="login-form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <h1>Loadline</h1>
        <label for="name">Name</label>
        <input
          id="name"
          ref={name}
          type="text"
          autocomplete="username"
          autocapitalize="none"
          spellcheck={false}
          required
          autofocus
        />
        <label for="password">Password</label>
        <input
          id="password"
          ref={password}
          type="password"
          autocomplete="current-password"
          required
          aria-describedby="login-message"
        />
        <p id="login-message" class="message" role="alert">
          {message}
        </p>
        <button type="submit" class="primary" aria-disabled={isBusy}>
          {isBusy ? 'Logging in…' : 'Log in'}
        </button>
      </form>
    </main>
  );
}

function inWords(error: unknown): string {
  if (!(error instanceof Problem)) return 'The cloud does not answer. Check the connection and try again.';
  if (error.status === 401) return 'Name or password is wrong.';
  if (error.status === 429) {
    const wait = error.retryAfter === null ? 'a while' : `${error.retryAfter} s`;
    return `Too many attempts. Try again in ${wait}.`;
  }
  return error.message;
}
