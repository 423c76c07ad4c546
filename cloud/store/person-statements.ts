import { sql } from 'kysely';
import { type Connection, prepare } from './database.ts';

/** Steps that change persons, and what the guard holds back of them. Times are in ms since 1970. */
export function personStatements(connection: Connection) {
  return {
    setBlock: prepare<{ id: string; block: string; until: number }>(connection, (db, p) =>
      db
        .insertInto('block')
        .values({ id: p.id, block: p.block, until: p.until })
        .onConflict((conflict) =>
          conflict.column('id').doUpdateSet((eb) => ({
            block: eb.ref('excluded.block'),
            until: eb.ref('excluded.until'),
          })),
        ),
    ),
    removeBlock: prepare<{ id: string }>(connection, (db, p) =>
      db.deleteFrom('block').where('id', '=', p.id),
    ),
    /** Refused where the address is somebody's already. */
    addPerson: prepare<{
      id: string;
      email: string;
      name: string;
      passwordHash: string | null;
      operator: 0 | 1;
      created: number;
    }>(connection, (db, p) =>
      db.insertInto('person').values({
        id: p.id,
        email: p.email,
        name: p.name,
        password_hash: p.passwordHash,
        operator: p.operator,
        created: p.created,
      }),
    ),
    /** The same for the very first: changes nothing where there is anybody. */
    addFirstPerson: prepare<{
      id: string;
      email: string;
      name: string;
      passwordHash: string;
      created: number;
    }>(connection, (db, p) =>
      db
        .insertInto('person')
        .columns(['id', 'email', 'name', 'password_hash', 'operator', 'created'])
        .expression(
          db
            .selectNoFrom([
              sql<string>`${p.id}`.as('id'),
              sql<string>`${p.email}`.as('email'),
              sql<string>`${p.name}`.as('name'),
              sql<string>`${p.passwordHash}`.as('password_hash'),
              sql<number>`1`.as('operator'),
              sql<number>`${p.created}`.as('created'),
            ])
            .where((eb) => eb.not(eb.exists(eb.selectFrom('person').select('person.id')))),
        ),
    ),
    setPersonName: prepare<{ person: string; name: string }>(connection, (db, p) =>
      db.updateTable('person').set({ name: p.name }).where('id', '=', p.person),
    ),
    setPassword: prepare<{ person: string; passwordHash: string }>(connection, (db, p) =>
      db.updateTable('person').set({ password_hash: p.passwordHash }).where('id', '=', p.person),
    ),
    /** Where it is still the one that was known: of two who change it at once, one does. */
    changePassword: prepare<{ person: string; known: string; passwordHash: string }>(connection, (db, p) =>
      db
        .updateTable('person')
        .set({ password_hash: p.passwordHash })
        .where('id', '=', p.person)
        .where('password_hash', '=', p.known),
    ),
    /** Ends every session and API token of a person that was made before. */
    cutOffPerson: prepare<{ person: string; at: number }>(connection, (db, p) =>
      db.updateTable('person').set({ cut_off: p.at }).where('id', '=', p.person),
    ),
    /**
     * Takes a person away, and with him his sessions, links, recovery codes, votes, memberships and grants. That nobody
     * is left without an administrator is for the steps before it to hold.
     */
    removePerson: prepare<{ person: string }>(connection, (db, p) =>
      db.deleteFrom('person').where('id', '=', p.person),
    ),
  };
}
