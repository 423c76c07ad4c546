import { type Connection, prepare } from './database.ts';

/** Marks that one new delivery takes out at most. */
const forgottenAtOnce = 100;

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
    /** Some of those whose time is over: each new one takes a few with it, and no commit waits for all. */
    forgetOnce: prepare<{ now: number }>(connection, (db, p) =>
      db
        .deleteFrom('once')
        .where((eb) =>
          eb(
            eb.refTuple('device', 'mark'),
            'in',
            eb
              .selectFrom('once as old')
              .select(['old.device', 'old.mark'])
              .where('old.until', '<=', p.now)
              .orderBy('old.until')
              .limit(forgottenAtOnce)
              .$asTuple('device', 'mark'),
          ),
        ),
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
