import { type Operations, type ReplyOf, sessionCookie } from '@loadline/sdk/api';
import type { UserPrincipal } from '../../../access/index.ts';
import { type Place, placesOf, type Sessions, type SignedIn, type SignIn } from '../../../people/index.ts';
import type { Store } from '../../../store/index.ts';
import type { Handlers, Visit } from '../call.ts';
import { Problem } from '../problem.ts';
import { isoTime } from './editing.ts';
import {
  keepSession,
  overtaken,
  tokenOf,
  unprovenProblem,
  userOf,
  visitorOf,
  wrongCode,
  wrongLogin,
} from './visitor.ts';

type CallerReply = ReplyOf<Operations['getCaller']>;
type StandingReply = Extract<CallerReply, { kind: 'token' }>['standing'];

/** Log in and out, and see who one is. */
export function sessionHandlers(parts: {
  store: Store;
  sessions: Sessions;
  signIn: SignIn;
  /** ms since 1970. */
  now: () => number;
}): Pick<Handlers, 'logIn' | 'getCaller' | 'logOut' | 'confirmSecondFactor'> {
  const { store, sessions, signIn, now } = parts;

  const describeUser = async (user: UserPrincipal): Promise<CallerReply> => {
    const { id, email, name, pending } = user;
    const [person, record, own] = await Promise.all([
      store.read('person', { id }),
      store.read('standings', { person: id, now: now() }),
      sessions.list(id),
    ]);
    const session = own.find((one) => one.id === user.session);
    if (person === undefined || session === undefined) throw ended();
    const secondFactor = person.factorSecret !== null;
    const places = pending ? [] : placesOf(record, { secondFactor, since: session.created });
    return {
      kind: 'user',
      id,
      email,
      name,
      state: pending ? 'second-factor' : 'open',
      secondFactor,
      fleet: [...user.fleet],
      standings: places.map((place) => describe(place, [...place.standing.scopes])),
      expires: isoTime(session.expires),
    };
  };

  return {
    async logIn(call) {
      const outcome = await signIn.logIn(call.input.body, visitorOf(call));
      if (outcome.kind !== 'signed-in') throw unprovenProblem(outcome, wrongLogin());
      // Nobody could end it any more from here: the browser forgets it with the new one.
      const before = call.visit.cookie(sessionCookie);
      if (before !== undefined) await sessions.logOut(before, visitorOf(call));
      return entered(call.visit, outcome);
    },

    async getCaller({ caller }) {
      if (caller.kind === 'user') return await describeUser(caller);
      const { id, name, creator, standing } = caller;
      const [token, record] = await Promise.all([
        store.read('apiToken', { id }),
        store.read('standings', { person: creator, now: now() }),
      ]);
      const places = placesOf(record, { secondFactor: true, since: Number.POSITIVE_INFINITY });
      const place = places.find((one) => one.organisation.id === standing.organisation.id);
      if (token === undefined || place === undefined) throw ended();
      const described = describe({ ...place, standing }, [...standing.scopes]);
      return { kind: 'token', id, name, standing: described, expires: isoTime(token.expires) };
    },

    async logOut(call) {
      const token = call.visit.cookie(sessionCookie);
      if (token !== undefined) await sessions.logOut(token, visitorOf(call));
      call.visit.clearCookie(sessionCookie);
    },

    async confirmSecondFactor(call) {
      const user = userOf(call.caller);
      if (!user.pending) throw new Problem(409, 'conflict', 'this session has its second factor already');
      const { code } = call.input.body;
      const known = tokenOf(call.visit);
      const outcome = await signIn.confirm(user, { known, code }, visitorOf(call));
      switch (outcome.kind) {
        case 'signed-in':
          return entered(call.visit, outcome);
        case 'overtaken':
          throw overtaken();
        case 'wrong':
        case 'held':
          throw unprovenProblem(outcome, wrongCode());
      }
    },
  };
}

function entered(visit: Visit, { token, state, device }: SignedIn): { state: 'open' | 'second-factor' } {
  keepSession(visit, token, device);
  return { state };
}

function describe(
  { organisation, role, membership, standing, grantedUntil }: Place,
  scopes: string[],
): StandingReply {
  return {
    organisation: { id: organisation.id, name: organisation.name },
    role,
    scopes,
    reach: membership.reach,
    departments: [...membership.departments],
    customer: membership.customer,
    grantedUntil: grantedUntil === null ? null : isoTime(grantedUntil),
    secondFactorMissing: standing.withheld === 'second-factor-required',
  };
}

const ended = () => new Problem(401, 'unauthenticated', 'this has ended meanwhile: log in again');
