import { type Connection, prepare } from './database.ts';
import type { IdentityTables } from './identity-schema.ts';

/** Steps about what organisations are to look at. Times in ms since 1970. */
export function alarmStatements(connection: Connection) {
  return {
    addAlarm: prepare<Omit<IdentityTables['alarm'], 'seen' | 'seen_by' | 'told' | 'pause'>>(
      connection,
      (db, p) =>
        db.insertInto('alarm').values({
          id: p.id,
          organisation: p.organisation,
          device: p.device,
          kind: p.kind,
          first: p.first,
          last: p.last,
          times: p.times,
          detail: p.detail,
        }),
    ),
    /** It goes on. */
    setAlarm: prepare<{ id: string; last: number; times: number; detail: string }>(connection, (db, p) =>
      db.updateTable('alarm').set({ last: p.last, times: p.times, detail: p.detail }).where('id', '=', p.id),
    ),
    /** Administrators were told of it then, and are told again after a pause. */
    tellAlarm: prepare<{ id: string; told: number; pause: number }>(connection, (db, p) =>
      db.updateTable('alarm').set({ told: p.told, pause: p.pause }).where('id', '=', p.id),
    ),
    /** Somebody has seen to it; who was first stays. */
    seeAlarm: prepare<{ id: string; seen: number; by: string }>(connection, (db, p) =>
      db
        .updateTable('alarm')
        .set({ seen: p.seen, seen_by: p.by })
        .where('id', '=', p.id)
        .where('seen', 'is', null),
    ),
    /** Removes those that did not go on since then. */
    forgetAlarms: prepare<{ before: number }>(connection, (db, p) =>
      db.deleteFrom('alarm').where('last', '<', p.before),
    ),
  };
}
