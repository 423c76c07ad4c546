import type { Aspect } from '@loadline/sdk/telemetry';
import { type Connection, prepare } from './database.ts';

/** Steps about how long readings, and deliveries that were refused, are kept. */
export function retentionStatements(connection: Connection) {
  return {
    setSeriesRetention: prepare<{ device: number; tag: number; aspect: Aspect; days: number }>(
      connection,
      (db, p) =>
        db
          .insertInto('series_retention')
          .values({ device: p.device, tag: p.tag, aspect: p.aspect, days: p.days })
          .onConflict((conflict) =>
            conflict
              .columns(['device', 'tag', 'aspect'])
              .doUpdateSet((eb) => ({ days: eb.ref('excluded.days') })),
          ),
    ),
    /** The series is kept as long as its organisation's others. */
    clearSeriesRetention: prepare<{ device: number; tag: number; aspect: Aspect }>(connection, (db, p) =>
      db
        .deleteFrom('series_retention')
        .where('device', '=', p.device)
        .where('tag', '=', p.tag)
        .where('aspect', '=', p.aspect),
    ),
    /** Removes what was refused before a time; they are counted still. */
    forgetRejections: prepare<{ before: number }>(connection, (db, p) =>
      db.deleteFrom('rejection').where('at', '<', p.before),
    ),
  };
}
