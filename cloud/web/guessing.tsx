import { useState } from 'preact/hooks';
import type { Api } from './api.ts';
import { usePolling } from './hooks.ts';
import { organisationHref } from './place.ts';

/** Milliseconds between two looks. */
const PERIOD = 60_000;

/** Tells those who may know that somebody is guessing at what is the organisation's, and leads to what it is. */
export function Guessing({ api, organisation }: { readonly api: Api; readonly organisation: string }) {
  const [count, setCount] = useState(0);
  usePolling(async () => {
    try {
      const { items, next } = await api.call('listBlocks', { organisation });
      setCount(next === null ? items.length : Number.POSITIVE_INFINITY);
    } catch {
      // What the view shows fails as well, and says so.
    }
  }, PERIOD);
  return (
    <p class="banner" role="status">
      {count > 0 && (
        <>
          Somebody is guessing at {Number.isFinite(count) ? count : 'a great many'}{' '}
          {count === 1 ? 'account or key' : 'accounts or keys'}, and is held off.{' '}
          <a href={organisationHref(organisation, 'blocks')}>See what, and from where</a>
        </>
      )}
    </p>
  );
}
