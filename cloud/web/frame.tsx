import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Session } from './api.ts';
import { fleetHref, organisationHref, type Place, profileHref } from './place.ts';
import { fleetViews, openTo, organisationViews, type ViewEntry } from './views.ts';

interface Props {
  readonly session: Session;
  readonly place: Place;
  readonly title: string;
  /** What stands in the header beside the organisation: the state of the link. */
  readonly status?: ComponentChildren;
  readonly onLogOut: () => void;
  readonly children: ComponentChildren;
}

/** The header with what there is to choose from, and below it one view. */
export function Frame({ session, place, title, status, onLogOut, children }: Props) {
  const main = useRef<HTMLElement>(null);
  const views = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const where = JSON.stringify(place);
  // Who goes elsewhere by keyboard or screen reader is taken there, and told where that is.
  useEffect(() => {
    document.title = title === '' ? 'Loadline' : `${title} – Loadline`;
    if (isFirst.current) isFirst.current = false;
    else main.current?.focus();
    // On a phone the menu is wider than the screen.
    views.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [where, title]);
  const menu = menuOf(session, place);
  return (
    <>
      <header class="bar">
        <h1>Loadline</h1>
        <Organisations session={session} place={place} />
        {status}
        <a class="user" href={profileHref} aria-current={place.kind === 'profile' ? 'page' : undefined}>
          {session.name}
        </a>
        <button type="button" onClick={onLogOut}>
          Log out
        </button>
      </header>
      {menu.length > 1 && (
        <nav class="menu" aria-label="Views" ref={views}>
          <ul>
            {menu.map(({ href, title, isHere }) => (
              <li key={href}>
                <a href={href} aria-current={isHere ? 'page' : undefined}>
                  {title}
                </a>
              </li>
            ))}
          </ul>
        </nav>
      )}
      <main class="dashboard" ref={main} tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

/** The organisation that is looked at; a list to choose from where there are several, or a fleet above them. */
function Organisations({ session, place }: Pick<Props, 'session' | 'place'>) {
  const options = [
    ...session.standings.map(({ organisation }) => ({
      href: organisationHref(organisation.id),
      name: organisation.name,
      isHere: place.kind === 'organisation' && place.organisation === organisation.id,
    })),
    ...(session.fleet.length > 0
      ? [
          {
            href: fleetHref(openTo(fleetViews, session.fleet)[0]?.id ?? ''),
            name: 'Fleet',
            isHere: place.kind === 'fleet',
          },
        ]
      : []),
  ];
  const [only] = options;
  if (options.length === 1 && only !== undefined)
    return (
      <a class="organisation" href={only.href}>
        {only.name}
      </a>
    );
  if (options.length === 0) return null;
  const here = options.find(({ isHere }) => isHere);
  return (
    <select
      class="organisation"
      aria-label="Organisation"
      value={here?.href ?? ''}
      onChange={({ currentTarget }) => {
        location.hash = currentTarget.value;
      }}
    >
      {here === undefined && <option value="">Choose…</option>}
      {options.map(({ href, name }) => (
        <option key={href} value={href}>
          {name}
        </option>
      ))}
    </select>
  );
}

interface MenuItem {
  readonly href: string;
  readonly title: string;
  readonly isHere: boolean;
}

function menuOf(session: Session, place: Place): readonly MenuItem[] {
  switch (place.kind) {
    case 'organisation': {
      const { organisation, view } = place;
      const standing = session.standings.find((one) => one.organisation.id === organisation);
      if (standing === undefined || standing.secondFactorMissing) return [];
      const entry = ({ id, title }: Pick<ViewEntry, 'id' | 'title'>): MenuItem => ({
        href: organisationHref(organisation, id),
        title,
        isHere: view === id,
      });
      return [
        entry({ id: '', title: 'Dashboard' }),
        ...openTo(organisationViews, standing.scopes).map(entry),
      ];
    }
    case 'fleet':
      return openTo(fleetViews, session.fleet).map(({ id, title }) => ({
        href: fleetHref(id),
        title,
        isHere: place.view === id,
      }));
    case 'home':
    case 'profile':
    case 'link':
      return [];
  }
}
