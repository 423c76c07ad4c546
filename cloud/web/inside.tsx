import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Api, Session, Standing } from './api.ts';
import { Dashboard, type LinkState } from './dashboard.tsx';
import { Frame } from './frame.tsx';
import { Guessing } from './guessing.tsx';
import { Home, SecondFactorMissing } from './home.tsx';
import { Invitations } from './invitations.tsx';
import { Lazy } from './parts/lazy.tsx';
import { organisationHref, type Place } from './place.ts';
import { fleetViews, openTo, organisationViews } from './views.ts';

interface Props {
  readonly api: Api;
  readonly session: Session;
  readonly place: Exclude<Place, { kind: 'link' }>;
  /** To be called when who is logged in, or what he may do, has changed. */
  readonly onChanged: () => Promise<void>;
  /** To be called when the account is no more, with what the login is to say. */
  readonly onLeave: (notice: string) => void;
  readonly onLogOut: () => void;
}

const loadProfile = async () => (await import('./profile/profile.tsx')).Profile;
const loadOrganisationView = async () => (await import('./administration/index.tsx')).InOrganisation;
const loadFleetView = async () => (await import('./administration/index.tsx')).InFleet;

/** The page for who is logged in. */
export function Inside({ api, session, place, onChanged, onLeave, onLogOut }: Props) {
  const [link, setLink] = useState<LinkState>('lost');
  const here = placeOf(session, place);
  // The address says where one is, also when there was no choice: so that it can be kept.
  useEffect(() => {
    if (here !== place && here.kind === 'organisation')
      history.replaceState(null, '', organisationHref(here.organisation));
  }, [here, place]);

  const framed = (title: string, children: ComponentChildren, status?: ComponentChildren) => (
    <Frame session={session} place={here} title={title} status={status} onLogOut={onLogOut}>
      <Invitations api={api} onChanged={onChanged} />
      {children}
    </Frame>
  );
  switch (here.kind) {
    case 'home':
      return framed('', <Home session={session} />);
    case 'profile':
      return framed('Profile', <Lazy load={loadProfile} props={{ api, session, onChanged, onLeave }} />);
    case 'fleet': {
      const view = openTo(fleetViews, session.fleet).find(({ id }) => id === here.view);
      if (view === undefined) return framed('', <Nothing />);
      return framed(
        `${view.title} of the fleet`,
        <Lazy load={loadFleetView} props={{ api, session, view: view.id }} />,
      );
    }
    case 'organisation': {
      const standing = session.standings.find(({ organisation }) => organisation.id === here.organisation);
      if (standing === undefined) return framed('', <Nothing />);
      const { organisation, secondFactorMissing, scopes } = standing;
      if (secondFactorMissing)
        return framed(organisation.name, <SecondFactorMissing organisation={organisation.name} />);
      const guessing = scopes.includes('blocks.get') && (
        <Guessing key={organisation.id} api={api} organisation={organisation.id} />
      );
      if (here.view === '')
        return framed(
          organisation.name,
          <>
            {guessing}
            <Dashboard key={rightsOf(standing)} api={api} standing={standing} onLink={setLink} />
          </>,
          <span class={link === 'lost' ? 'link' : 'link is-live'} role="status">
            {linkWords[link]}
          </span>,
        );
      const view = openTo(organisationViews, scopes).find(({ id }) => id === here.view);
      if (view === undefined) return framed('', <Nothing />);
      return framed(
        `${view.title} of ${organisation.name}`,
        <>
          {view.id !== 'blocks' && guessing}
          <Lazy
            key={organisation.id}
            load={loadOrganisationView}
            props={{ api, session, standing, view: view.id, item: here.item }}
          />
        </>,
      );
    }
  }
}

const linkWords = { live: 'live', polled: 'every 5 s', lost: 'reconnecting…' } as const satisfies Record<
  LinkState,
  string
>;

/** Who has only one place to be in is there. */
function placeOf(session: Session, place: Props['place']): Props['place'] {
  const [only, ...others] = session.standings;
  if (place.kind !== 'home' || only === undefined || others.length > 0) return place;
  return { kind: 'organisation', organisation: only.organisation.id, view: '', item: '' };
}

/** What changes where somebody's rights do: what he looks at begins anew then. */
function rightsOf({ organisation, scopes, reach, departments, customer }: Standing): string {
  return JSON.stringify([organisation.id, scopes, reach, departments, customer]);
}

function Nothing() {
  return (
    <section class="panel">
      <h2>Nothing here</h2>
      <p>
        There is no such place, or it is not yours to see: choose another above. If it was yours until now,
        log out and in again: somebody may have cut everybody off.
      </p>
    </section>
  );
}
