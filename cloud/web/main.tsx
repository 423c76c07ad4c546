import { render } from 'preact';
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import { Api, Problem, type Session } from './api.ts';
import { usePolling } from './hooks.ts';
import { Inside } from './inside.tsx';
import { Lazy } from './parts/lazy.tsx';
import { Login, SecondFactor } from './sign-in/login.tsx';
import type { OneTimeLinkProps } from './sign-in/one-time-link.tsx';
import { usePlace } from './use-place.ts';

/** Milliseconds between two looks at who is logged in, and between two tries to learn it. */
const PERIOD = 60_000;
const RETRY = 3_000;

const SESSION_OVER = 'The session is over. Please log in again.';

type State =
  | { readonly kind: 'asking'; readonly isUnreachable: boolean }
  | { readonly kind: 'out'; readonly notice: string }
  | { readonly kind: 'in'; readonly session: Session };

const loadFollowLink = async () => (await import('./sign-in/one-time-link.tsx')).FollowLink;

function App({ api }: { readonly api: Api }) {
  const [state, setState] = useState<State>({ kind: 'asking', isUnreachable: false });
  const { place, link, leaveLink, goHome } = usePlace();

  const ask = useCallback(async (): Promise<void> => {
    try {
      const caller = await api.call('getCaller');
      if (caller.kind === 'user') setState({ kind: 'in', session: caller });
    } catch (error) {
      const isRefused = error instanceof Problem && error.status === 401;
      setState((before) => {
        if (isRefused) {
          if (before.kind === 'out') return before;
          return { kind: 'out', notice: before.kind === 'in' ? SESSION_OVER : '' };
        }
        // Who is in stays in while the cloud is away: what he looks at says so.
        return before.kind === 'asking' ? { kind: 'asking', isUnreachable: true } : before;
      });
    }
  }, [api]);
  // Who is out stays out until he logs in.
  usePolling(
    () => (state.kind === 'out' ? Promise.resolve() : ask()),
    state.kind === 'asking' ? RETRY : PERIOD,
  );
  useEffect(() => {
    api.onDoubt = () => void ask();
  }, [api, ask]);
  // Whoever logs in next does not begin where this one was.
  const leave = useCallback(
    (notice: string): void => {
      goHome();
      setState({ kind: 'out', notice });
    },
    [goHome],
  );
  const logOut = useCallback(async (): Promise<void> => {
    try {
      await api.call('logOut');
      leave('');
    } catch {
      await ask();
    }
  }, [api, ask, leave]);

  const followed = useMemo<OneTimeLinkProps | undefined>(
    () =>
      link && {
        api,
        link,
        onDone(notice) {
          leaveLink();
          if (notice === '') void ask();
          else setState({ kind: 'out', notice });
        },
      },
    [api, link, leaveLink, ask],
  );
  if (followed !== undefined) return <Lazy load={loadFollowLink} props={followed} />;

  switch (state.kind) {
    case 'asking':
      return (
        <p class="waiting" role="status">
          {state.isUnreachable ? 'The cloud does not answer. Trying again…' : ''}
        </p>
      );
    case 'out':
      return <Login api={api} notice={state.notice} onLogIn={() => void ask()} />;
    case 'in': {
      const { session } = state;
      return session.state === 'second-factor' ? (
        <SecondFactor api={api} session={session} onLogIn={() => void ask()} onLogOut={() => void logOut()} />
      ) : (
        <Inside
          api={api}
          session={session}
          place={place}
          onChanged={ask}
          onLeave={leave}
          onLogOut={() => void logOut()}
        />
      );
    }
  }
}

const page = document.getElementById('page');
if (page === null) throw new Error('index.html has no element "page"');
render(<App api={new Api()} />, page);
