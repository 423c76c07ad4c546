import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { inWords } from '../words.ts';

/** Something that is loaded whole. */
export interface Loaded<T> {
  /** Undefined before it has come. */
  readonly value: T | undefined;
  /** What went wrong, in words; empty where nothing did. */
  readonly failure: string;
  readonly reload: () => void;
}

/** Loads something: anew whenever `what` changes, which says what it is. */
export function useLoaded<T>(what: string, load: () => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ value?: T; failure: string }>({ failure: '' });
  const latestLoad = useRef(load);
  latestLoad.current = load;
  const run = useRef(0);
  const reload = useCallback(() => {
    run.current += 1;
    const mine = run.current;
    latestLoad.current().then(
      (value) => mine === run.current && setState({ value, failure: '' }),
      (error: unknown) =>
        mine === run.current && setState((before) => ({ ...before, failure: inWords(error) })),
    );
  }, []);
  useEffect(() => {
    setState({ failure: '' });
    reload();
    return () => {
      run.current += 1;
    };
  }, [what, reload]);
  return { value: state.value, failure: state.failure, reload };
}

/** What is said of it while it has not come, and where it does not. */
export function LoadingWords({ loaded: { value, failure } }: { readonly loaded: Loaded<unknown> }) {
  return (
    <>
      <p class="message" role="alert">
        {failure}
      </p>
      {value === undefined && failure === '' && <p role="status">Loading…</p>}
    </>
  );
}
