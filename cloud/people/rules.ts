import { roles as everyRole, expandScopes, type OrganisationScope, type RoleName } from '@loadline/sdk/api';
import {
  type MemberPlace,
  mayGive,
  type Reach,
  reachesMember,
  reachOf,
  type Standing,
} from '../access/index.ts';
import type { AdministrationRow, OwnRoleRow } from '../store/index.ts';
import { type Refusal, refused } from './administration.ts';

/** Who may make whom what, as values: nothing here reads or writes. */

/** What a person is, or is to be, in an organisation. */
export interface Position extends MemberPlace {
  readonly role: string;
}

/** A role, of every organisation or of its own. */
export interface Role {
  readonly id: string;
  readonly name: string;
  readonly builtIn: boolean;
  /** Whom it is for: people of the organisation itself, or of its customers. */
  readonly of: 'organisation' | 'customer';
  /** Patterns. */
  readonly scopes: readonly string[];
}

/** The roles of an organisation: those of every organisation first, in the order of their table. */
export function rolesOf(own: readonly OwnRoleRow[]): Role[] {
  return [
    ...Object.entries(everyRole).map(([id, { of, scopes }]) => ({
      id,
      name: id.charAt(0).toUpperCase() + id.slice(1).replaceAll('-', ' '),
      builtIn: true,
      of,
      scopes,
    })),
    ...own.map((one) => ({ ...one, builtIn: false, of: 'organisation' as const })),
  ];
}

export function isBuiltIn(role: string): role is RoleName {
  return Object.hasOwn(everyRole, role);
}

/** Whether somebody acts for the organisation as a whole: only then may he change what is everybody's. */
export function actsForWhole({ reach }: Standing): boolean {
  const { departments, customer, devices, tags } = reach;
  return departments === 'all' && customer === null && devices === null && tags === null;
}

/** Refuses who acts for a part only. */
export function wholeOnly(standing: Standing): Refusal | undefined {
  if (actsForWhole(standing)) return undefined;
  return refused('more-than-own', 'this concerns the whole organisation, and you act for a part of it');
}

/** Refuses who has not got all of these scopes in the whole organisation. */
export function givesEverywhere(
  giver: Standing,
  scopes: ReadonlySet<OrganisationScope>,
): Refusal | undefined {
  if (mayGive(giver, { scopes, reach: whole })) return undefined;
  return refused('more-than-own', 'nobody gives or takes away scopes that he has not got himself');
}

const whole: Reach = { departments: 'all', customer: null, devices: null, tags: null };

/** Refuses a position that contradicts itself, or has a role that is not there. */
export function faultOf(position: Position, state: AdministrationRow): Refusal | undefined {
  const { reach, departments, customer } = position;
  const role = rolesOf(state.roles).find(({ id }) => id === position.role);
  if (role === undefined) return refused('request-invalid', `body/role: there is no role ${position.role}`);
  if ((role.of === 'customer') !== (reach === 'customer')) {
    return refused('request-invalid', `body/role: ${role.id} is for people of ${whose[role.of]}`);
  }
  if ((customer !== null) !== (reach === 'customer')) {
    return refused('request-invalid', 'body/customer: to be said exactly where the reach is customer');
  }
  if (departments.length > 0 && reach !== 'departments') {
    return refused('request-invalid', 'body/departments: to be said only where the reach is departments');
  }
  return undefined;
}

const whose = { organisation: 'the organisation itself', customer: 'a customer' } as const;

/**
 * Refuses who may not put somebody there, or take him from there: nobody gives, takes or changes more than he has, and
 * who acts for a part keeps everybody whom he may manage within it.
 */
export function givesPosition(
  giver: Standing,
  position: Position,
  state: AdministrationRow,
): Refusal | undefined {
  const gift = { scopes: scopesOf(position.role, state), reach: reachOf({ ...position, ...state }) };
  if (!mayGive(giver, gift)) {
    return refused('more-than-own', 'nobody makes, changes or removes somebody who may do more than himself');
  }
  if (!reachesMember(giver.reach, position)) {
    return refused('more-than-own', 'this person is, or would be, outside of what you act for');
  }
  return undefined;
}

/** What a role opens in an organisation; nothing where it is not there. */
export function scopesOf(
  role: string,
  { roles }: Pick<AdministrationRow, 'roles'>,
): ReadonlySet<OrganisationScope> {
  return expandScopes(rolesOf(roles).find(({ id }) => id === role)?.scopes ?? []);
}

/**
 * Refuses what would leave an organisation without anybody who administrates the whole of it: who can change people and
 * the organisation, and log in or still may by an open link. One that has none already is left to itself.
 */
export function keepsAdministrator(before: AdministrationRow, after: AdministrationRow): Refusal | undefined {
  if (administratorsOf(before).length === 0 || administratorsOf(after).length > 0) return undefined;
  return refused('last-administrator', 'make another administrator of the whole organisation first');
}

/** Ids of those who administrate the whole organisation. */
function administratorsOf(state: AdministrationRow): string[] {
  return state.chiefs
    .filter(({ role }) => {
      const scopes = scopesOf(role, state);
      return scopes.has('user.patch') && scopes.has('organisation.patch');
    })
    .map(({ id }) => id);
}

/** The state as it would be with a person in another position; null: in none. */
export function withPosition(
  state: AdministrationRow,
  id: string,
  position: Position | null,
): AdministrationRow {
  const was = state.chiefs.find((one) => one.id === id);
  const others = state.chiefs.filter((one) => one !== was);
  if (was === undefined || position === null || position.reach !== 'organisation') {
    return { ...state, chiefs: others };
  }
  return { ...state, chiefs: [...others, { id, role: position.role }] };
}
