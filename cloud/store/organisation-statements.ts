import { sql } from 'kysely';
import { type Connection, prepare } from './database.ts';
import type { MemberRow } from './member-reads.ts';
import type { OrganisationRow } from './organisation-reads.ts';

/**
 * Steps that change organisations, and what people and devices are in them. Times are in ms since 1970. Departments and
 * customers are looked for in the organisation that the step names: one of another organisation changes nothing.
 */
export function organisationStatements(connection: Connection) {
  return {
    ...policyStatements(connection),
    ...memberStatements(connection),
    ...roleStatements(connection),
    ...partStatements(connection),
    ...grantStatements(connection),
  };
}

function policyStatements(connection: Connection) {
  return {
    /** Refused where the id is taken. */
    createOrganisation: prepare<{ id: string; name: string; created: number }>(connection, (db, p) =>
      db.insertInto('organisation').values({ id: p.id, name: p.name, created: p.created }),
    ),
    /**
     * First step of every change of what people are in an organisation: changes nothing where something else has changed
     * since `revision` was read, such that what was judged by that reading is judged anew.
     */
    advanceOrganisation: prepare<{ organisation: string; revision: number }>(connection, (db, p) =>
      db
        .updateTable('organisation')
        .set((eb) => ({ revision: eb('revision', '+', 1) }))
        .where('id', '=', p.organisation)
        .where('revision', '=', p.revision),
    ),
    setOrganisation: prepare<
      { organisation: string } & Pick<
        OrganisationRow,
        | 'name'
        | 'isolation'
        | 'secondFactor'
        | 'tokenDays'
        | 'auditDays'
        | 'sockets'
        | 'readingsDays'
        | 'certificateGraceDays'
        | 'updates'
      >
    >(connection, (db, p) =>
      db
        .updateTable('organisation')
        .set({
          name: p.name,
          isolation: p.isolation,
          second_factor: p.secondFactor,
          token_days: p.tokenDays,
          audit_days: p.auditDays,
          sockets: p.sockets,
          readings_days: p.readingsDays,
          grace_days: p.certificateGraceDays,
          updates: p.updates,
        })
        .where('id', '=', p.organisation),
    ),
    cutOffOrganisation: prepare<{ organisation: string; at: number }>(connection, (db, p) =>
      db.updateTable('organisation').set({ cut_off: p.at }).where('id', '=', p.organisation),
    ),
  };
}

function memberStatements(connection: Connection) {
  return {
    /** Refused where the person is a member already. An invitation, where `arrived` is null. */
    addMember: prepare<
      { organisation: string; person: string; called: string; created: number } & Pick<
        MemberRow,
        'role' | 'reach' | 'customer' | 'arrived'
      >
    >(connection, (db, p) =>
      db
        .insertInto('membership')
        .columns(['organisation', 'person', 'role', 'reach', 'customer', 'called', 'created', 'arrived'])
        .expression(
          db
            .selectFrom('organisation')
            .select([
              'organisation.id as organisation',
              sql<string>`${p.person}`.as('person'),
              sql<string>`${p.role}`.as('role'),
              sql<MemberRow['reach']>`${p.reach}`.as('reach'),
              sql<string | null>`${p.customer}`.as('customer'),
              sql<string>`${p.called}`.as('called'),
              sql<number>`${p.created}`.as('created'),
              sql<number | null>`${p.arrived}`.as('arrived'),
            ])
            .where('organisation.id', '=', p.organisation)
            .where(
              sql<boolean>`(${p.customer} is null or exists (select 1 from customer
                where customer.id = ${p.customer} and customer.organisation = ${p.organisation}))`,
            ),
        ),
    ),
    setMember: prepare<
      { organisation: string; person: string } & Pick<MemberRow, 'role' | 'reach' | 'customer'>
    >(connection, (db, p) =>
      db
        .updateTable('membership')
        .set({ role: p.role, reach: p.reach, customer: p.customer })
        .where('organisation', '=', p.organisation)
        .where('person', '=', p.person)
        .where(
          sql<boolean>`(${p.customer} is null or exists (select 1 from customer
            where customer.id = ${p.customer} and customer.organisation = ${p.organisation}))`,
        ),
    ),
    clearMemberDepartments: prepare<{ organisation: string; person: string }>(connection, (db, p) =>
      db
        .deleteFrom('membership_department')
        .where('organisation', '=', p.organisation)
        .where('person', '=', p.person),
    ),
    addMemberDepartment: prepare<{ organisation: string; person: string; department: string }>(
      connection,
      (db, p) =>
        db
          .insertInto('membership_department')
          .columns(['organisation', 'person', 'department'])
          .expression(
            db
              .selectFrom('department')
              .select([
                'department.organisation',
                sql<string>`${p.person}`.as('person'),
                'department.id as department',
              ])
              .where('department.organisation', '=', p.organisation)
              .where('department.id', '=', p.department),
          ),
    ),
    cutOffMember: prepare<{ organisation: string; person: string; at: number }>(connection, (db, p) =>
      db
        .updateTable('membership')
        .set({ cut_off: p.at })
        .where('organisation', '=', p.organisation)
        .where('person', '=', p.person),
    ),
    removeMember: prepare<{ organisation: string; person: string }>(connection, (db, p) =>
      db.deleteFrom('membership').where('organisation', '=', p.organisation).where('person', '=', p.person),
    ),
    /**
     * Notes that a person has accepted what an organisation made him; changes nothing where there is no invitation, or it
     * is held back.
     */
    acceptInvitation: prepare<{ organisation: string; person: string; at: number }>(connection, (db, p) =>
      db
        .updateTable('membership')
        .set({ arrived: p.at })
        .where('organisation', '=', p.organisation)
        .where('person', '=', p.person)
        .where('arrived', 'is', null)
        .where('held', 'is', null),
    ),
    /** Takes an invitation away; changes nothing where there is none, or it was accepted. */
    removeInvitation: prepare<{ organisation: string; person: string }>(connection, (db, p) =>
      db
        .deleteFrom('membership')
        .where('organisation', '=', p.organisation)
        .where('person', '=', p.person)
        .where('arrived', 'is', null),
    ),
    /** Revokes the API tokens that a person has made in an organisation. */
    revokeTokensOf: prepare<{ organisation: string; person: string }>(connection, (db, p) =>
      db
        .updateTable('api_token')
        .set({ status: 'revoked' })
        .where('organisation', '=', p.organisation)
        .where('person', '=', p.person),
    ),
    /** Takes a person away, with his links, who could never log in and is nothing anywhere any more. */
    forgetStranger: prepare<{ person: string }>(connection, (db, p) =>
      db
        .deleteFrom('person')
        .where('id', '=', p.person)
        .where('password_hash', 'is', null)
        .where('operator', '=', 0)
        .where(sql<boolean>`not exists (select 1 from membership where membership.person = ${p.person})`),
    ),
    /** Changes nothing where he is one already. */
    makeOperator: prepare<{ person: string }>(connection, (db, p) =>
      db.updateTable('person').set({ operator: 1 }).where('id', '=', p.person).where('operator', '=', 0),
    ),
    /** Changes nothing where no other operator, who can log in, would be left. */
    endOperator: prepare<{ person: string }>(connection, (db, p) =>
      db
        .updateTable('person')
        .set({ operator: 0 })
        .where('id', '=', p.person)
        .where('operator', '=', 1)
        .where(
          sql<boolean>`exists (select 1 from person as other where other.operator = 1 and other.id <> ${p.person}
            and other.password_hash is not null)`,
        ),
    ),
  };
}

function roleStatements(connection: Connection) {
  return {
    /** `scopes`: JSON. Refused where the organisation has one of this id. */
    addOwnRole: prepare<{ organisation: string; id: string; name: string; scopes: string }>(
      connection,
      (db, p) =>
        db
          .insertInto('own_role')
          .values({ organisation: p.organisation, id: p.id, name: p.name, scopes: p.scopes }),
    ),
    setOwnRole: prepare<{ organisation: string; id: string; name: string; scopes: string }>(
      connection,
      (db, p) =>
        db
          .updateTable('own_role')
          .set({ name: p.name, scopes: p.scopes })
          .where('organisation', '=', p.organisation)
          .where('id', '=', p.id),
    ),
    /** Changes nothing while somebody has it, by membership or by a grant that has not ended. */
    removeOwnRole: prepare<{ organisation: string; id: string; now: number }>(connection, (db, p) =>
      db
        .deleteFrom('own_role')
        .where('organisation', '=', p.organisation)
        .where('id', '=', p.id)
        .where(
          sql<boolean>`not exists (select 1 from membership
            where membership.organisation = ${p.organisation} and membership.role = ${p.id})`,
        )
        .where(
          sql<boolean>`not exists (select 1 from access_grant where access_grant.organisation = ${p.organisation}
            and access_grant.role = ${p.id} and access_grant.expires > ${p.now})`,
        ),
    ),
  };
}

function partStatements(connection: Connection) {
  return {
    /** Refused where the organisation has one of this name; so are the next. */
    addDepartment: prepare<{ organisation: string; id: string; name: string }>(connection, (db, p) =>
      db.insertInto('department').values({ organisation: p.organisation, id: p.id, name: p.name }),
    ),
    renameDepartment: prepare<{ organisation: string; id: string; name: string }>(connection, (db, p) =>
      db
        .updateTable('department')
        .set({ name: p.name })
        .where('organisation', '=', p.organisation)
        .where('id', '=', p.id),
    ),
    /** The devices of a department are nobody's then. */
    unassignDepartment: prepare<{ organisation: string; id: string }>(connection, (db, p) =>
      db
        .updateTable('device')
        .set({ department: null })
        .where('organisation', '=', p.organisation)
        .where('department', '=', p.id),
    ),
    removeDepartment: prepare<{ organisation: string; id: string }>(connection, (db, p) =>
      db.deleteFrom('department').where('organisation', '=', p.organisation).where('id', '=', p.id),
    ),
    addCustomer: prepare<{ organisation: string; id: string; name: string }>(connection, (db, p) =>
      db.insertInto('customer').values({ organisation: p.organisation, id: p.id, name: p.name }),
    ),
    renameCustomer: prepare<{ organisation: string; id: string; name: string }>(connection, (db, p) =>
      db
        .updateTable('customer')
        .set({ name: p.name })
        .where('organisation', '=', p.organisation)
        .where('id', '=', p.id),
    ),
    /** The devices of a customer are the organisation's own then. */
    unassignCustomer: prepare<{ organisation: string; id: string }>(connection, (db, p) =>
      db
        .updateTable('device')
        .set({ customer: null })
        .where('organisation', '=', p.organisation)
        .where('customer', '=', p.id),
    ),
    /** Refused while it has logins. */
    removeCustomer: prepare<{ organisation: string; id: string }>(connection, (db, p) =>
      db.deleteFrom('customer').where('organisation', '=', p.organisation).where('id', '=', p.id),
    ),
    /** Says what people call a device and whose it is. */
    setDevicePlace: prepare<{
      id: string;
      organisation: string;
      name: string | null;
      department: string | null;
      customer: string | null;
    }>(connection, (db, p) =>
      db
        .updateTable('device')
        .set({ name: p.name, department: p.department, customer: p.customer })
        .where('id', '=', p.id)
        .where('organisation', '=', p.organisation)
        .where(
          sql<boolean>`(${p.department} is null or exists (select 1 from department
            where department.id = ${p.department} and department.organisation = ${p.organisation}))`,
        )
        .where(
          sql<boolean>`(${p.customer} is null or exists (select 1 from customer
            where customer.id = ${p.customer} and customer.organisation = ${p.organisation}))`,
        ),
    ),
  };
}

function grantStatements(connection: Connection) {
  return {
    /** Changes nothing where the person is no fleet operator. */
    addGrant: prepare<{
      id: string;
      organisation: string;
      person: string;
      role: string;
      reason: string;
      created: number;
      expires: number;
    }>(connection, (db, p) =>
      db
        .insertInto('access_grant')
        .columns(['id', 'organisation', 'person', 'role', 'reason', 'created', 'expires'])
        .expression(
          db
            .selectFrom('person')
            .select([
              sql<string>`${p.id}`.as('id'),
              sql<string>`${p.organisation}`.as('organisation'),
              'person.id as person',
              sql<string>`${p.role}`.as('role'),
              sql<string>`${p.reason}`.as('reason'),
              sql<number>`${p.created}`.as('created'),
              sql<number>`${p.expires}`.as('expires'),
            ])
            .where('person.id', '=', p.person)
            .where('operator', '=', 1),
        ),
    ),
    removeGrant: prepare<{ organisation: string; id: string }>(connection, (db, p) =>
      db.deleteFrom('access_grant').where('organisation', '=', p.organisation).where('id', '=', p.id),
    ),
    removeGrantsOf: prepare<{ person: string }>(connection, (db, p) =>
      db.deleteFrom('access_grant').where('person', '=', p.person),
    ),
    forgetGrants: prepare<{ organisation: string; now: number }>(connection, (db, p) =>
      db.deleteFrom('access_grant').where('organisation', '=', p.organisation).where('expires', '<=', p.now),
    ),
    /** Notes that grants of an operator are used; changes nothing where that was noted after `since`. */
    noteGrantUse: prepare<{ organisation: string; person: string; at: number; since: number }>(
      connection,
      (db, p) =>
        db
          .updateTable('access_grant')
          .set({ used: p.at })
          .where('organisation', '=', p.organisation)
          .where('person', '=', p.person)
          .where(
            sql<boolean>`not exists (select 1 from access_grant as noted where noted.organisation = ${p.organisation}
              and noted.person = ${p.person} and noted.used > ${p.since})`,
          ),
    ),
  };
}
