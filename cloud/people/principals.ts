import { fleetScopes } from '@loadline/sdk/api';
import {
  grantedStanding,
  type Membership,
  type Standing,
  standingOf,
  type UserPrincipal,
} from '../access/index.ts';
import type { MembershipRow, PersonRow, SessionRow, StandingGrantRow } from '../store/index.ts';

/** What is on record of what somebody is in organisations: the store's `standings`. */
export interface StandingRows {
  readonly memberships: readonly MembershipRow[];
  readonly grants: readonly StandingGrantRow[];
}

/** What somebody is in one organisation, and by what. */
export interface Place {
  readonly organisation: MembershipRow['organisation'];
  readonly role: string;
  readonly membership: Membership;
  readonly standing: Standing;
  /** When the grant ends that it stands by, ms since 1970; null for a member. */
  readonly grantedUntil: number | null;
}

/**
 * What somebody is in organisations, once in each: who is a member is that, whatever he was granted. `since`: when what
 * he proves himself with was made, ms since 1970; it opens nothing in an organisation that was cut off then or later,
 * or that cut him off, and that not by a grant either.
 */
export function placesOf(
  { memberships, grants }: StandingRows,
  { secondFactor, since }: { readonly secondFactor: boolean; readonly since: number },
): Place[] {
  const places = new Map<string, Place>();
  const cut = new Set<string>();
  const add = (membership: MembershipRow, standing: Standing) => {
    const { organisation, role } = membership;
    if (places.has(organisation.id) || cut.has(organisation.id)) return;
    const cuts = [organisation.cutOff, membership.memberCutOff];
    if (cuts.some((at) => at !== null && at >= since)) {
      cut.add(organisation.id);
      return;
    }
    const grantedUntil = standing.grant?.until ?? null;
    places.set(organisation.id, { organisation, role, membership, standing, grantedUntil });
  };
  for (const membership of memberships) add(membership, standingOf(membership, { secondFactor }));
  for (const grant of grants) {
    const whole = { reach: 'organisation', departments: [], customer: null } as const;
    const membership = { ...grant, ...whole, memberCutOff: null };
    add(membership, grantedStanding(grant, { secondFactor }));
  }
  return [...places.values()];
}

/** The person behind a session, and what that opens now. A session that is pending opens nothing anywhere. */
export function userPrincipal(
  { session, person }: { readonly session: SessionRow; readonly person: PersonRow },
  record: StandingRows,
): UserPrincipal {
  const secondFactor = person.factorSecret !== null;
  const { pending } = session;
  const places = pending ? [] : placesOf(record, { secondFactor, since: session.created });
  return {
    kind: 'user',
    id: person.id,
    email: person.email,
    name: person.name,
    session: session.id,
    pending,
    expires: session.expires,
    fleet: new Set(person.operator && !pending ? fleetScopes : []),
    standings: new Map(places.map(({ standing }) => [standing.organisation.id, standing])),
  };
}
