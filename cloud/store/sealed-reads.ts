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

  const factors = prepare<
    Record<never, never>,
    { person: string; secret: string | null; offered: string | null }
  >(connection, (db) =>
    db
      .selectFrom('person')
      .select(['id as person', 'factor_secret as secret', 'factor_offered as offered'])
      .where((eb) => eb.or([eb('factor_secret', 'is not', null), eb('factor_offered', 'is not', null)])),
  );

  return {
    /** Every second factor as it is sealed, those offered and not yet enabled too. */
    sealedFactors(_: Record<never, never>) {
      return factors.all({});
    },
    /** Whether anything was sealed, made or derived with those keys: without them it could never be used again. */
    needsKeys(_: Record<never, never>): boolean {
      return anything.first({}) !== undefined;
    },
  };
}
