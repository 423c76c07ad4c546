import { sql } from 'kysely';
import { type Connection, prepare } from './database.ts';

/** A department or a customer. */
export interface NamedRow {
  readonly id: string;
  readonly name: string;
}

/** Where a page ends of things in the order of their names. */
export interface NamePlace {
  readonly afterName: string;
  readonly afterId: string;
  readonly limit: number;
}

/** Questions of the parts of organisations: their departments and their customers. */
export function partReads(connection: Connection) {
  const departments = prepare<{ organisation: string } & NamePlace, NamedRow>(connection, (db, p) =>
    db
      .selectFrom('department')
      .select(['id', 'name'])
      .where('organisation', '=', p.organisation)
      .where(sql<boolean>`(name, id) > (${p.afterName}, ${p.afterId})`)
      .orderBy('name')
      .orderBy('id')
      .limit(p.limit),
  );
  const customers = prepare<{ organisation: string } & NamePlace, NamedRow>(connection, (db, p) =>
    db
      .selectFrom('customer')
      .select(['id', 'name'])
      .where('organisation', '=', p.organisation)
      .where(sql<boolean>`(name, id) > (${p.afterName}, ${p.afterId})`)
      .orderBy('name')
      .orderBy('id')
      .limit(p.limit),
  );
  const department = prepare<{ organisation: string; id: string }, NamedRow>(connection, (db, p) =>
    db
      .selectFrom('department')
      .select(['id', 'name'])
      .where('organisation', '=', p.organisation)
      .where('id', '=', p.id),
  );
  const customer = prepare<{ organisation: string; id: string }, NamedRow>(connection, (db, p) =>
    db
      .selectFrom('customer')
      .select(['id', 'name'])
      .where('organisation', '=', p.organisation)
      .where('id', '=', p.id),
  );

  return {
    departments(query: { organisation: string } & NamePlace): NamedRow[] {
      return departments.all(query);
    },

    department(query: { organisation: string; id: string }): NamedRow | undefined {
      return department.first(query);
    },

    customers(query: { organisation: string } & NamePlace): NamedRow[] {
      return customers.all(query);
    },

    customer(query: { organisation: string; id: string }): NamedRow | undefined {
      return customer.first(query);
    },
  };
}
