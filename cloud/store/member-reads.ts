import { type Kysely, sql } from 'kysely';
import { type Connection, holdsText, listOf, prepare } from './database.ts';
import type { Schema } from './schema.ts';

/** A person in an organisation. */
export interface MemberRow {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  /** What who took the person in called him; null where nobody did. */
  readonly called: string | null;
  /** When the person accepted that; null until then. */
  readonly arrived: number | null;
  readonly role: string;
  readonly reach: 'organisation' | 'departments' | 'customer';
  readonly departments: readonly string[];
  readonly customer: string | null;
  readonly hasPassword: boolean;
  readonly secondFactor: boolean;
  readonly created: number;
}

/** Which members are asked for; null where it does not matter. In the order they came. */
export interface MemberQuery {
  readonly organisation: string;
  /** Part of the address, lower case. */
  readonly email: string | null;
  readonly role: string | null;
  readonly department: string | null;
  readonly customer: string | null;
  /** The last one of the page before. */
  readonly afterCreated: number;
  readonly afterId: string;
  readonly limit: number;
}

/** How far a membership reaches, as it stands in a row. */
export interface PlaceColumns {
  reach: MemberRow['reach'];
  /** JSON. */
  departments: string;
  customer: string | null;
}

/** JSON of the departments of a row of `membership`. */
export const departmentsOfMember = sql<string>`(
  select ${listOf('place.department')} from membership_department as place
  where place.organisation = membership.organisation and place.person = membership.person)`;

interface MemberColumns extends PlaceColumns {
  id: string;
  email: string;
  name: string;
  called: string | null;
  arrived: number | null;
  role: string;
  created: number;
  hasPassword: number;
  secondFactor: number;
}

function memberRows(db: Kysely<Schema>) {
  return db
    .selectFrom('membership')
    .innerJoin('person', 'person.id', 'membership.person')
    .select([
      'person.id',
      'person.email',
      'person.name',
      'membership.called',
      'membership.arrived',
      'membership.role',
      'membership.reach',
      'membership.customer',
      'membership.created',
      departmentsOfMember.as('departments'),
      sql<number>`person.password_hash is not null`.as('hasPassword'),
      sql<number>`person.factor_secret is not null`.as('secondFactor'),
    ]);
}

/** Questions of the people of organisations. */
export function memberReads(connection: Connection) {
  const member = prepare<{ organisation: string; person: string }, MemberColumns>(connection, (db, p) =>
    memberRows(db)
      .where('membership.organisation', '=', p.organisation)
      .where('membership.person', '=', p.person),
  );
  const members = prepare<MemberQuery, MemberColumns>(connection, (db, p) =>
    memberRows(db)
      .where('membership.organisation', '=', p.organisation)
      .where(sql<boolean>`(${p.email} is null or ${holdsText('person.email', p.email as string)})`)
      .where(sql<boolean>`(${p.role} is null or membership.role = ${p.role})`)
      .where(
        sql<boolean>`(${p.department} is null or exists (
          select 1 from membership_department as place where place.organisation = membership.organisation
          and place.person = membership.person and place.department = ${p.department}))`,
      )
      .where(sql<boolean>`(${p.customer} is null or membership.customer = ${p.customer})`)
      .where(sql<boolean>`(membership.created, membership.person) > (${p.afterCreated}, ${p.afterId})`)
      .orderBy('membership.created')
      .orderBy('membership.person')
      .limit(p.limit),
  );

  return {
    member(query: { organisation: string; person: string }): MemberRow | undefined {
      const row = member.first(query);
      return row && memberOf(row);
    },

    members(query: MemberQuery): MemberRow[] {
      return members.all(query).map(memberOf);
    },
  };
}

/** What `PlaceColumns` say. */
export function placeOf({ reach, departments, customer }: PlaceColumns) {
  return { reach, departments: (JSON.parse(departments) as string[]).sort(), customer };
}

function memberOf(row: MemberColumns): MemberRow {
  return {
    ...row,
    ...placeOf(row),
    hasPassword: row.hasPassword === 1,
    secondFactor: row.secondFactor === 1,
  };
}
