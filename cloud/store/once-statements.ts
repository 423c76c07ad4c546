import { type Connection, prepare } from './database.ts';

/** Statements of deliveries without numbers of their own: what they are known again by, and the names of their series. */
export function onceStatements(connection: Connection) {
  return {
    once: prepare<{ device: number; mark: Uint8Array; now: number }, { digest: Uint8Array }>(
      connection,
      (db, p) =>
        db
          .selectFrom('once')
          .select('digest')
          .where('device', '=', p.device)
          .where('mark', '=', p.mark)
          .where('until', '>', p.now),
    ),
    addOnce: prepare<{ device: number; mark: Uint8Array; digest: Uint8Array; until: number }>(
      connection,
      (db, p) =>
        db
          .insertInto('once')
          .values({ device: p.device, mark: p.mark, digest: p.digest, until: p.until })
          .onConflict((conflict) =>
            conflict.columns(['device', 'mark']).doUpdateSet((eb) => ({
              digest: eb.ref('excluded.digest'),
              until: eb.ref('excluded.until'),
            })),
          ),
    ),
    forgetOnce: prepare<{ now: number }>(connection, (db, p) =>
      db.deleteFrom('once').where('until', '<=', p.now),
    ),
    setChannel: prepare<{ device: number; number: number; name: string; unit: string | null }>(
      connection,
      (db, p) =>
        db
          .insertInto('channel')
          .values({ device: p.device, number: p.number, name: p.name, unit: p.unit })
          .onConflict((conflict) =>
            conflict.columns(['device', 'number']).doUpdateSet((eb) => ({ unit: eb.ref('excluded.unit') })),
          ),
    ),
  };
}
