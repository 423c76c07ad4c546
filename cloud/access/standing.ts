import { expandScopes, type OrganisationScope, type RoleName, roles } from '@loadline/sdk/api';
import type { Organisation, Reach, Standing } from './principal.ts';
import type { MemberPlace } from './resource.ts';

/** What is on record of somebody in an organisation. */
export interface Membership extends MemberPlace {
  readonly organisation: Organisation & {
    readonly isolation: 'basic' | 'strict';
    readonly secondFactor: 'not-required' | 'administrators' | 'everyone';
  };
  readonly role: string;
  /** Patterns of an own role; undefined where the role is one of every organisation, or is gone. */
  readonly ownScopes: readonly string[] | undefined;
}

/** What somebody is in an organisation now. `secondFactor`: whether he has enabled one. */
export function standingOf(membership: Membership, { secondFactor }: { secondFactor: boolean }): Standing {
  const { organisation, role, ownScopes } = membership;
  const scopes = roleScopes(role, ownScopes);
  return {
    organisation: { id: organisation.id },
    scopes,
    reach: reachOf(membership),
    withheld:
      !secondFactor && asksForSecondFactor(organisation.secondFactor, scopes)
        ? 'second-factor-required'
        : null,
  };
}

/** What an organisation has granted a fleet operator. */
export interface Grant extends Pick<Membership, 'organisation' | 'role' | 'ownScopes'> {
  readonly id: string;
  /** ms since 1970. */
  readonly expires: number;
}

/**
 * What a fleet operator is in an organisation by its grant: the role, in the whole of it, but for what would last
 * longer than the grant. Whoever is let in for a time opens no door for himself or others to stay.
 */
export function grantedStanding(grant: Grant, has: { secondFactor: boolean }): Standing {
  const standing = standingOf({ ...grant, reach: 'organisation', departments: [], customer: null }, has);
  const scopes = new Set([...standing.scopes].filter((one) => !outlasting.has(one)));
  return { ...standing, scopes, grant: { id: grant.id, until: grant.expires } };
}

/** What gives somebody, or something, a way in that does not end with a grant. */
const outlasting: ReadonlySet<OrganisationScope> = new Set([
  'users.create',
  'user.patch',
  'user.invite',
  'user.reset-second-factor',
  'roles.create',
  'role.patch',
  'grants.create',
  'tokens.create',
  'token.patch',
  'applications.create',
  'application.patch',
  'application-keys.create',
  'application-key.patch',
  'organisation.patch',
]);

/** Scopes of a role of every organisation, or of an own one by its patterns. */
function roleScopes(role: string, ownScopes: readonly string[] | undefined): ReadonlySet<OrganisationScope> {
  if (Object.hasOwn(roles, role)) return expandScopes(roles[role as RoleName].scopes);
  return expandScopes(ownScopes ?? []);
}

/** How far a membership reaches. */
export function reachOf({
  reach,
  departments,
  customer,
  organisation,
}: Pick<Membership, 'reach' | 'departments' | 'customer' | 'organisation'>): Reach {
  const unlimited = { devices: null, tags: null };
  switch (reach) {
    case 'organisation':
      return { ...unlimited, departments: 'all', customer: null };
    case 'departments': {
      const unassigned = organisation.isolation === 'basic';
      return { ...unlimited, departments: { ids: new Set(departments), unassigned }, customer: null };
    }
    case 'customer':
      // A customer that is gone is nobody's: no device has an empty one.
      return { ...unlimited, departments: 'all', customer: customer ?? '' };
  }
}

/**
 * The part of `standing` that a token or key is limited to: never more than either of the two.
 */
export function narrowed(
  standing: Standing,
  to: {
    readonly scopes: ReadonlySet<OrganisationScope>;
    readonly devices: readonly string[] | null;
    readonly tags: readonly number[] | null;
  },
): Standing {
  const tags = both(standing.reach.tags, to.tags);
  const scopes = [...standing.scopes].filter(
    (one) => to.scopes.has(one) && (tags === null || !ofWholeDevices.has(one)),
  );
  return {
    ...standing,
    scopes: new Set(scopes),
    reach: { ...standing.reach, devices: both(standing.reach.devices, to.devices), tags },
  };
}

/** What is told of whole devices, or done to them: more than a limit to tags leaves, which is one to some of their series. */
const ofWholeDevices: ReadonlySet<OrganisationScope> = new Set([
  'devices.create',
  'device.patch',
  'device.enrol',
  'device.retire',
  'device-credentials.get',
  'device-credentials.create',
  'device-credential.get',
  'device-credential.patch',
  'device-credential.delete',
  'certificates.get',
  'certificates.create',
  'certificate.revoke',
  'certificate.readmit',
  'vouchers.create',
  'provisionings.get',
  'provisionings.create',
  'units.get',
  'unit.release',
  'alarms.get',
  'alarm.patch',
  'ledger.get',
  'limits.get',
  'limits.set',
  'rejections.get',
  'rejection.get',
  'desired.get',
  'desired.set',
  'commands.get',
  'commands.create',
  'command.get',
  'updates.get',
  'update.get',
  'update.set',
  'update.retry',
]);

/**
 * Whether who stands so may make somebody, or something, that has these scopes and this reach: nobody gives more than
 * he has.
 */
export function mayGive(
  giver: Standing,
  gift: { readonly scopes: ReadonlySet<OrganisationScope>; readonly reach: Reach },
): boolean {
  return [...gift.scopes].every((one) => giver.scopes.has(one)) && isWithin(gift.reach, giver.reach);
}

/** Whether one reach sees nothing that the other does not. */
export function isWithin(inner: Reach, outer: Reach): boolean {
  if (!isSubset(inner.devices, outer.devices) || !isSubset(inner.tags, outer.tags)) return false;
  if (outer.customer !== null) return inner.customer === outer.customer;
  if (outer.departments === 'all') return true;
  if (inner.customer !== null || inner.departments === 'all') return false;
  const { ids, unassigned } = inner.departments;
  if (unassigned && !outer.departments.unassigned) return false;
  const { ids: outerIds } = outer.departments;
  return [...ids].every((one) => outerIds.has(one));
}

function asksForSecondFactor(
  policy: Membership['organisation']['secondFactor'],
  scopes: ReadonlySet<OrganisationScope>,
): boolean {
  switch (policy) {
    case 'not-required':
      return false;
    case 'everyone':
      return true;
    case 'administrators':
      // Whoever can make people what they are, whatever his role is called.
      return scopes.has('user.patch') || scopes.has('users.create') || scopes.has('organisation.patch');
  }
}

function both<T>(one: ReadonlySet<T> | null, other: readonly T[] | null): ReadonlySet<T> | null {
  if (other === null) return one;
  return new Set(one === null ? other : other.filter((item) => one.has(item)));
}

function isSubset<T>(inner: ReadonlySet<T> | null, outer: ReadonlySet<T> | null): boolean {
  if (outer === null) return true;
  return inner !== null && [...inner].every((item) => outer.has(item));
}
