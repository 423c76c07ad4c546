import { sql } from 'kysely';
import { type Connection, lesserOf, prepare } from './database.ts';

/** The writer's statements of events. */
export function eventStatements(connection: Connection) {
  return {
    addEvent: prepare<{
      device: number;
      epoch: number;
      number: number;
      monotonic: number;
      at: number | null;
      placed: number;
      code: string;
      subject: string;
      detail: string;
    }>(connection, (db, p) =>
      db.insertInto('event').values({
        device: p.device,
        epoch: p.epoch,
        number: p.number,
        monotonic: p.monotonic,
        at: p.at,
        placed: p.placed,
        code: p.code,
        subject: p.subject,
        detail: p.detail,
      }),
    ),
    resolveEvents: prepare<{ device: number; boot: string; offset: number }>(connection, (db, p) =>
      db
        .updateTable('event')
        .set({
          at: sql<number>`monotonic + ${p.offset}`,
          placed: lesserOf(sql<number>`placed`, sql<number>`monotonic + ${p.offset}`),
        })
        .where('device', '=', p.device)
        .where('at', 'is', null)
        .where('epoch', 'in', (eb) =>
          eb
            .selectFrom('epoch')
            .select('number')
            .where('epoch.device', '=', p.device)
            .where('boot', '=', p.boot),
        ),
    ),
  };
}
