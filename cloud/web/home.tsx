import type { Session } from './api.ts';
import { fleetHref, organisationHref, profileHref } from './place.ts';
import { fleetViews, openTo } from './views.ts';
import { timeInWords } from './words.ts';

/** Where one can go: for who is something in several organisations, or in none. */
export function Home({ session }: { readonly session: Session }) {
  const { standings, fleet } = session;
  const [firstOfFleet] = openTo(fleetViews, fleet);
  return (
    <section class="panel" aria-labelledby="home-heading">
      <h2 id="home-heading">Where to?</h2>
      {standings.length === 0 && fleet.length === 0 && (
        <p>You are in no organisation. Ask an administrator to invite you.</p>
      )}
      <ul class="chooser">
        {standings.map(({ organisation, role, grantedUntil }) => (
          <li key={organisation.id}>
            <a href={organisationHref(organisation.id)}>
              <b>{organisation.name}</b>
              <span class="muted">
                {role}
                {grantedUntil !== null && `, granted until ${timeInWords(grantedUntil)}`}
              </span>
            </a>
          </li>
        ))}
        {firstOfFleet !== undefined && (
          <li>
            <a href={fleetHref(firstOfFleet.id)}>
              <b>Fleet</b>
              <span class="muted">organisations, operators, audit log</span>
            </a>
          </li>
        )}
      </ul>
    </section>
  );
}

/** Said where an organisation asks for a second factor that somebody has not enabled: nothing opens until he has. */
export function SecondFactorMissing({ organisation }: { readonly organisation: string }) {
  return (
    <section class="panel">
      <h2>A second factor is needed</h2>
      <p>
        {organisation} asks for a second factor, and you have not enabled one. Nothing opens here until you
        have. You need an authenticator app on your phone, and a minute.
      </p>
      <p>
        <a class="as-button" href={profileHref}>
          Enable it in your profile
        </a>
      </p>
    </section>
  );
}
