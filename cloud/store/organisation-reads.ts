import type { SocketPolicy } from '@loadline/sdk/contract';
import { sql } from 'kysely';
import { type Connection, prepare } from './database.ts';
import { departmentsOfMember, type PlaceColumns, placeOf } from './member-reads.ts';
import type { NamedRow, NamePlace } from './part-reads.ts';

/** An organisation and its policies. */
export interface OrganisationRow {
  readonly id: string;
  readonly name: string;
  readonly isolation: 'basic' | 'strict';
  readonly secondFactor: 'not-required' | 'administrators' | 'everyone';
  readonly tokenDays: number;
  readonly auditDays: number;
  /** What it lets in over sockets. */
  readonly sockets: SocketPolicy;
  /** Days that readings are kept; null: for ever. */
  readonly readingsDays: number | null;
  readonly certificateGraceDays: number;
  /** Whether its gateways are offered other releases than they run. */
  readonly updates: 'on' | 'paused';
  /** Sessions and tokens made then or before have ended in it; null where there was no cut. ms since 1970. */
  readonly cutOff: number | null;
  readonly created: number;
  /** Goes up with every change of what people are in it. */
  readonly revision: number;
}

/** What somebody is in an organisation, with all that tells what it opens: a `Membership` of access, and more. */
export interface MembershipRow {
  readonly organisation: Omit<OrganisationRow, 'revision'>;
  readonly role: string;
  /** Patterns of an own role; undefined where the role is one of every organisation, or is gone. */
  readonly ownScopes: readonly string[] | undefined;
  readonly reach: 'organisation' | 'departments' | 'customer';
  readonly departments: readonly string[];
  readonly customer: string | null;
  /** The person's sessions and tokens made then or before have ended in it; null where there was no cut. */
  readonly memberCutOff: number | null;
  readonly created: number;
}

/** A grant that has not ended. */
export interface StandingGrantRow {
  readonly id: string;
  readonly organisation: Omit<OrganisationRow, 'revision'>;
  readonly role: string;
  readonly ownScopes: readonly string[] | undefined;
  readonly created: number;
  readonly expires: number;
}

/** A membership that its person has not accepted. */
export interface InvitationRow {
  readonly organisation: { readonly id: string; readonly name: string };
  readonly role: string;
  readonly created: number;
}

export interface OwnRoleRow {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
}

/** What an organisation lets in at the doors. */
export interface DoorPolicyRow {
  readonly organisation: string;
  readonly sockets: SocketPolicy;
  readonly certificateGraceDays: number;
}

/** What changes of an organisation's people are judged by, as it was at one moment. */
export interface AdministrationRow {
  readonly organisation: OrganisationRow;
  readonly roles: readonly OwnRoleRow[];
  /** Who acts for the whole organisation and can log in, or is new and still may by an open link. */
  readonly chiefs: readonly { readonly id: string; readonly role: string }[];
}

const organisationColumns = [
  'organisation.id as organisationId',
  'organisation.name as organisationName',
  'organisation.isolation',
  'organisation.second_factor as secondFactorPolicy',
  'organisation.token_days as tokenDays',
  'organisation.audit_days as auditDays',
  'organisation.sockets',
  'organisation.readings_days as readingsDays',
  'organisation.grace_days as certificateGraceDays',
  'organisation.updates',
  'organisation.cut_off as cutOff',
  'organisation.created as organisationCreated',
  'organisation.revision',
] as const;

interface OrganisationColumns {
  organisationId: string;
  organisationName: string;
  isolation: OrganisationRow['isolation'];
  secondFactorPolicy: OrganisationRow['secondFactor'];
  tokenDays: number;
  auditDays: number;
  sockets: SocketPolicy;
  readingsDays: number | null;
  certificateGraceDays: number;
  updates: OrganisationRow['updates'];
  cutOff: number | null;
  organisationCreated: number;
  revision: number;
}

/** Questions of organisations: their policies, and what somebody is in them. */
export function organisationReads(connection: Connection) {
  const memberships = prepare<
    { person: string },
    OrganisationColumns &
      PlaceColumns & { role: string; own: string | null; memberCutOff: number | null; created: number }
  >(connection, (db, p) =>
    db
      .selectFrom('membership')
      .innerJoin('organisation', 'organisation.id', 'membership.organisation')
      .leftJoin('own_role', (join) =>
        join
          .onRef('own_role.organisation', '=', 'membership.organisation')
          .onRef('own_role.id', '=', 'membership.role'),
      )
      .select([
        ...organisationColumns,
        'membership.role',
        'membership.reach',
        'membership.customer',
        'membership.cut_off as memberCutOff',
        'membership.created',
        'own_role.scopes as own',
        departmentsOfMember.as('departments'),
      ])
      .where('membership.person', '=', p.person)
      .where('membership.arrived', 'is not', null)
      .orderBy('organisation.name')
      .orderBy('organisation.id'),
  );
  const invitations = prepare<
    { person: string },
    { id: string; name: string; role: string; created: number }
  >(connection, (db, p) =>
    db
      .selectFrom('membership')
      .innerJoin('organisation', 'organisation.id', 'membership.organisation')
      .select(['organisation.id', 'organisation.name', 'membership.role', 'membership.created'])
      .where('membership.person', '=', p.person)
      .where('membership.arrived', 'is', null)
      .where('membership.held', 'is', null)
      .orderBy('organisation.id'),
  );
  const standingGrants = prepare<
    { person: string; now: number },
    OrganisationColumns & {
      id: string;
      role: string;
      own: string | null;
      created: number;
      expires: number;
    }
  >(connection, (db, p) =>
    db
      .selectFrom('access_grant')
      .innerJoin('organisation', 'organisation.id', 'access_grant.organisation')
      // Who is no operator any more has none, whatever is still written.
      .innerJoin('person', (join) =>
        join.onRef('person.id', '=', 'access_grant.person').on('person.operator', '=', 1),
      )
      .leftJoin('own_role', (join) =>
        join
          .onRef('own_role.organisation', '=', 'access_grant.organisation')
          .onRef('own_role.id', '=', 'access_grant.role'),
      )
      .select([
        ...organisationColumns,
        'access_grant.id',
        'access_grant.role',
        'access_grant.created',
        'access_grant.expires',
        'own_role.scopes as own',
      ])
      .where('access_grant.person', '=', p.person)
      .where('access_grant.expires', '>', p.now)
      .orderBy('access_grant.created', 'desc')
      .orderBy('access_grant.id'),
  );
  const organisation = prepare<{ id: string }, OrganisationColumns>(connection, (db, p) =>
    db.selectFrom('organisation').select(organisationColumns).where('id', '=', p.id),
  );
  const organisations = prepare<NamePlace, NamedRow & { created: number }>(connection, (db, p) =>
    db
      .selectFrom('organisation')
      .select(['id', 'name', 'created'])
      .where(sql<boolean>`(name, id) > (${p.afterName}, ${p.afterId})`)
      .orderBy('name')
      .orderBy('id')
      .limit(p.limit),
  );
  const doorPolicies = prepare<Record<never, never>, DoorPolicyRow>(connection, (db) =>
    db
      .selectFrom('organisation')
      .select(['id as organisation', 'sockets', 'grace_days as certificateGraceDays']),
  );
  const ownRoles = prepare<{ organisation: string }, { id: string; name: string; scopes: string }>(
    connection,
    (db, p) =>
      db
        .selectFrom('own_role')
        .select(['id', 'name', 'scopes'])
        .where('organisation', '=', p.organisation)
        .orderBy('id'),
  );
  const chiefs = prepare<{ organisation: string; now: number }, { id: string; role: string }>(
    connection,
    (db, p) =>
      db
        .selectFrom('membership')
        .innerJoin('person', 'person.id', 'membership.person')
        .select(['person.id', 'membership.role'])
        .where('membership.organisation', '=', p.organisation)
        .where('membership.reach', '=', 'organisation')
        .where((eb) =>
          eb.or([
            eb.and([eb('person.password_hash', 'is not', null), eb('membership.arrived', 'is not', null)]),
            eb.and([
              eb('person.password_hash', 'is', null),
              eb.exists(
                eb
                  .selectFrom('link')
                  .select('link.person')
                  .whereRef('link.person', '=', 'person.id')
                  .where('link.purpose', 'in', ['set-password', 'reset-password'])
                  .where('link.expires', '>', p.now),
              ),
            ]),
          ]),
        ),
  );
  return {
    /** What a person is in organisations now: by memberships, and by grants that have not ended. ms since 1970. */
    standings(query: { person: string; now: number }): {
      memberships: MembershipRow[];
      grants: StandingGrantRow[];
    } {
      return {
        memberships: memberships.all({ person: query.person }).map((row) => ({
          organisation: policiesOf(row),
          role: row.role,
          ownScopes: patternsIn(row.own),
          ...placeOf(row),
          memberCutOff: row.memberCutOff,
          created: row.created,
        })),
        grants: standingGrants.all(query).map((row) => ({
          id: row.id,
          organisation: policiesOf(row),
          role: row.role,
          ownScopes: patternsIn(row.own),
          created: row.created,
          expires: row.expires,
        })),
      };
    },

    organisation({ id }: { id: string }): OrganisationRow | undefined {
      const row = organisation.first({ id });
      return row && { ...policiesOf(row), revision: row.revision };
    },

    /** Organisations of the fleet, by name. */
    organisations(place: NamePlace): (NamedRow & { created: number })[] {
      return organisations.all(place);
    },

    /** What each organisation lets in at the doors. */
    doorPolicies(_: Record<never, never>): DoorPolicyRow[] {
      return doorPolicies.all({});
    },

    administration(query: { organisation: string; now: number }): AdministrationRow | undefined {
      const row = organisation.first({ id: query.organisation });
      if (row === undefined) return undefined;
      return {
        organisation: { ...policiesOf(row), revision: row.revision },
        roles: ownRoles.all(query).map((one) => ({ ...one, scopes: JSON.parse(one.scopes) as string[] })),
        chiefs: chiefs.all(query),
      };
    },

    /** What a person has been invited to and not accepted, by the organisation's id. */
    invitations(query: { person: string }): InvitationRow[] {
      return invitations
        .all(query)
        .map(({ id, name, role, created }) => ({ organisation: { id, name }, role, created }));
    },
  };
}

function policiesOf(row: OrganisationColumns): Omit<OrganisationRow, 'revision'> {
  return {
    id: row.organisationId,
    name: row.organisationName,
    isolation: row.isolation,
    secondFactor: row.secondFactorPolicy,
    tokenDays: row.tokenDays,
    auditDays: row.auditDays,
    sockets: row.sockets,
    readingsDays: row.readingsDays,
    certificateGraceDays: row.certificateGraceDays,
    updates: row.updates,
    cutOff: row.cutOff,
    created: row.organisationCreated,
  };
}

function patternsIn(json: string | null): readonly string[] | undefined {
  return json === null ? undefined : (JSON.parse(json) as string[]);
}
