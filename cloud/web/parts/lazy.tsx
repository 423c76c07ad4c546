import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';

interface Props<P extends object> {
  /** Imports the view; must be the same function each time. */
  readonly load: () => Promise<ComponentType<P>>;
  readonly props: P;
}

/** A view that is a file of its own, loaded when it is first looked at. */
export function Lazy<P extends object>({ load, props }: Props<P>) {
  const [loaded, setLoaded] = useState<{ View: ComponentType<P> } | undefined>();
  const [isFailing, setIsFailing] = useState(false);
  useEffect(() => {
    let isOver = false;
    load().then(
      (View) => !isOver && setLoaded({ View }),
      () => !isOver && setIsFailing(true),
    );
    return () => {
      isOver = true;
    };
  }, [load]);
  if (loaded !== undefined) return <loaded.View {...props} />;
  if (!isFailing) return <p role="status">Loading…</p>;
  // Its name has the content in it: after an update of the cloud the one that this page knows is gone.
  return (
    <p role="alert">
      This part of the page could not be loaded.{' '}
      <button type="button" onClick={() => location.reload()}>
        Load the page anew
      </button>
    </p>
  );
}
