import { useCallback, useEffect, useState } from 'preact/hooks';
import { homeHref, type OneTimeLink, type Place, parsePlace } from './place.ts';

interface Here {
  readonly place: Exclude<Place, { kind: 'link' }>;
  /** The link that is being followed: its secret has left the address at once, and is in memory only. */
  readonly link: OneTimeLink | undefined;
  readonly leaveLink: () => void;
  /** Goes where everybody may be; a link that is being followed stays. */
  readonly goHome: () => void;
}

/** Where in the page somebody is, kept up with the address. */
export function usePlace(): Here {
  const [here, setHere] = useState(readAddress);
  useEffect(() => {
    const read = (): void => setHere(readAddress());
    window.addEventListener('hashchange', read);
    return () => window.removeEventListener('hashchange', read);
  }, []);
  const leaveLink = useCallback(() => setHere((before) => ({ ...before, link: undefined })), []);
  const goHome = useCallback(() => {
    history.replaceState(null, '', homeHref);
    setHere((before) => ({ ...before, place: { kind: 'home' } }));
  }, []);
  return { ...here, leaveLink, goHome };
}

function readAddress(): Pick<Here, 'place' | 'link'> {
  const place = parsePlace(location.hash);
  if (place.kind !== 'link') return { place, link: undefined };
  // Before anything is drawn or asked: neither the history nor who looks over a shoulder keeps it.
  history.replaceState(null, '', location.pathname);
  return { place: { kind: 'home' }, link: place.link };
}
