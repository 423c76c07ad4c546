import { type Connection, prepare } from './database.ts';

/** What in the database needs the keys outside it. */
export function sealedReads(connection: Connection) {
  const anything = prepare<Record<never, never>, { is: number }>(connection, (db) =>
    db
      .selectFrom('person')
      .select((eb) => eb.lit(1).as('is'))
      .where('factor_secret', 'is not', null)
      .unionAll(db.selectFrom('api_token').select((eb) => eb.lit(1).as('is')))
      .unionAll(db.selectFrom('application_key').select((eb) => eb.lit(1).as('is')))
      .limit(1),
  );

  return {
    /** Whether anything was sealed, made or derived with those keys: without them it could never be used again. */
    needsKeys(_: Record<never, never>): boolean {
      return anything.first({}) !== undefined;
    },
  };
}
