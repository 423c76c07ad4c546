import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Api, Problem, type Session } from './api.ts';
import { Dashboard } from './dashboard.tsx';
import { Login } from './login.tsx';

/** Milliseconds between two tries to learn who is logged in. */
const RETRY = 3_000;

type State =
  | { readonly kind: 'asking'; readonly isUnreachable: boolean }
  | { readonly kind: 'out'; readonly notice: string }
  | { readonly kind: 'in'; readonly session: Session };

function App({ api }: { readonly api: Api }) {
  const [state, setState] = useState<State>({ kind: 'asking', isUnreachable: false });
  useEffect(() => {
    if (state.kind !== 'asking') return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const ask = async (): Promise<void> => {
      try {
        const session = await api.session();
        if (!isOver) setState({ kind: 'in', session });
      } catch (error) {
        if (isOver) return;
        if (error instanceof Problem && error.status === 401) setState({ kind: 'out', notice: '' });
        else {
          setState({ kind: 'asking', isUnreachable: true });
          timer = setTimeout(() => void ask(), RETRY);
        }
      }
    };
    void ask();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [api, state.kind]);

  switch (state.kind) {
    case 'asking':
      return (
        <p class="waiting" role="status">
          {state.isUnreachable ? 'The cloud does not answer. Trying again…' : ''}
        </p>
      );
    case 'out':
      return (
        <Login
          api={api}
          notice={state.notice}
          onLogIn={() => setState({ kind: 'asking', isUnreachable: false })}
        />
      );
    case 'in':
      return (
        <Dashboard api={api} session={state.session} onEnd={(notice) => setState({ kind: 'out', notice })} />
      );
  }
}

const page = document.getElementById('page');
if (page === null) throw new Error('index.html has no element "page"');
render(<App api={new Api()} />, page);
