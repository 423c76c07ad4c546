import { type Connection, prepare, textsOf } from './database.ts';

/** What people are called, for lists that know them by their ids. */
export function nameReads(connection: Connection) {
  const names = prepare<{ ids: string }, { id: string; email: string }>(connection, (db, p) =>
    db.selectFrom('person').select(['id', 'email']).where('id', 'in', textsOf(p.ids)),
  );

  return {
    /** E-mail addresses by id. Who has been erased is in it no more. */
    emails({ ids }: { ids: readonly string[] }): Map<string, string> {
      return new Map(names.all({ ids: JSON.stringify(ids) }).map(({ id, email }) => [id, email]));
    },
  };
}
