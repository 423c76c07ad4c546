import { sql } from 'kysely';
import { type Connection, prepare } from './database.ts';

/** An account, whatever it is in organisations. */
export interface AccountRow {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly hasPassword: boolean;
  readonly operator: boolean;
}

/** A grant with whose it is. */
export interface GrantRow {
  readonly id: string;
  readonly operator: { readonly id: string; readonly name: string; readonly email: string };
  readonly role: string;
  readonly reason: string;
  readonly created: number;
  readonly expires: number;
}

/** Questions of accounts above organisations: fleet operators, and what organisations have granted them. */
export function operatorReads(connection: Connection) {
  const account = prepare<
    { email: string },
    { id: string; email: string; name: string; hasPassword: number; operator: number }
  >(connection, (db, p) =>
    db
      .selectFrom('person')
      .select(['id', 'email', 'name', 'operator', sql<number>`password_hash is not null`.as('hasPassword')])
      .where('email', '=', p.email),
  );
  const operators = prepare<
    Record<never, never>,
    { id: string; email: string; name: string; hasPassword: number; operator: number }
  >(connection, (db) =>
    db
      .selectFrom('person')
      .select(['id', 'email', 'name', 'operator', sql<number>`password_hash is not null`.as('hasPassword')])
      .where('operator', '=', 1)
      .orderBy('email'),
  );
  const grants = prepare<
    { organisation: string; now: number },
    Omit<GrantRow, 'operator'> & { person: string; email: string; name: string }
  >(connection, (db, p) =>
    db
      .selectFrom('access_grant')
      .innerJoin('person', 'person.id', 'access_grant.person')
      .select([
        'access_grant.id',
        'access_grant.role',
        'access_grant.reason',
        'access_grant.created',
        'access_grant.expires',
        'person.id as person',
        'person.email',
        'person.name',
      ])
      .where('access_grant.organisation', '=', p.organisation)
      .where('access_grant.expires', '>', p.now)
      .orderBy('access_grant.created')
      .orderBy('access_grant.id'),
  );
  const grantsOfPerson = prepare<{ person: string; now: number }, { id: string; organisation: string }>(
    connection,
    (db, p) =>
      db
        .selectFrom('access_grant')
        .select(['id', 'organisation'])
        .where('person', '=', p.person)
        .where('expires', '>', p.now)
        .orderBy('id'),
  );

  return {
    /** By the address that one logs in with, lower case. */
    account({ email }: { email: string }): AccountRow | undefined {
      const row = account.first({ email });
      return row && accountOf(row);
    },

    operators(_: Record<never, never>): AccountRow[] {
      return operators.all({}).map(accountOf);
    },

    /** Grants of an organisation that have not ended, in the order they were given. */
    grants(query: { organisation: string; now: number }): GrantRow[] {
      return grants.all(query).map(({ person, name, email, ...row }) => ({
        ...row,
        operator: { id: person, name, email },
      }));
    },

    grantsOfPerson(query: { person: string; now: number }): { id: string; organisation: string }[] {
      return grantsOfPerson.all(query);
    },
  };
}

function accountOf(row: {
  id: string;
  email: string;
  name: string;
  hasPassword: number;
  operator: number;
}): AccountRow {
  return { ...row, hasPassword: row.hasPassword === 1, operator: row.operator === 1 };
}
