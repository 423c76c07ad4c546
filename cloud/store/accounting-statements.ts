import { sql } from 'kysely';
import type { Counts } from './accounting-commit.ts';
import { type Connection, prepare } from './database.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Who = { organisation: string; subjectKind: string; subject: string };

/** What the writer says of accounting. Times: ms since 1970; days: whole days since then. */
export function accountingStatements(connection: Connection) {
  return {
    addRecord: prepare<
      Who &
        Mutable<Counts> & {
          session: string;
          kind: 'start' | 'interim' | 'stop';
          from: number;
          to: number;
          credential: string | null;
          door: string;
          cause: string | null;
        }
    >(connection, (db, p) =>
      db.insertInto('accounting_record').values({
        session: p.session,
        kind: p.kind,
        from_ms: p.from,
        to_ms: p.to,
        organisation: p.organisation,
        subject_kind: p.subjectKind,
        subject: p.subject,
        credential: p.credential,
        door: p.door,
        cause: p.cause,
        messages_in: p.messagesIn,
        messages_out: p.messagesOut,
        readings: p.readings,
        bytes_in: p.bytesIn,
        bytes_out: p.bytesOut,
        limited: p.limited,
      }),
    ),
    addUsage: prepare<Who & Mutable<Counts> & { day: number; sessions: number; milliseconds: number }>(
      connection,
      (db, p) =>
        db
          .insertInto('usage')
          .values({
            day: p.day,
            organisation: p.organisation,
            subject_kind: p.subjectKind,
            subject: p.subject,
            sessions: p.sessions,
            milliseconds: p.milliseconds,
            messages_in: p.messagesIn,
            messages_out: p.messagesOut,
            readings: p.readings,
            bytes_in: p.bytesIn,
            bytes_out: p.bytesOut,
            limited: p.limited,
          })
          .onConflict((conflict) =>
            conflict.columns(['organisation', 'day', 'subject_kind', 'subject']).doUpdateSet((eb) => ({
              sessions: eb('usage.sessions', '+', eb.ref('excluded.sessions')),
              milliseconds: eb('usage.milliseconds', '+', eb.ref('excluded.milliseconds')),
              messages_in: eb('usage.messages_in', '+', eb.ref('excluded.messages_in')),
              messages_out: eb('usage.messages_out', '+', eb.ref('excluded.messages_out')),
              readings: eb('usage.readings', '+', eb.ref('excluded.readings')),
              bytes_in: eb('usage.bytes_in', '+', eb.ref('excluded.bytes_in')),
              bytes_out: eb('usage.bytes_out', '+', eb.ref('excluded.bytes_out')),
              limited: eb('usage.limited', '+', eb.ref('excluded.limited')),
            })),
          ),
    ),
    openSession: prepare<Who & { session: string; credential: string | null; door: string; until: number }>(
      connection,
      (db, p) =>
        db.insertInto('accounting_open').values({
          session: p.session,
          organisation: p.organisation,
          subject_kind: p.subjectKind,
          subject: p.subject,
          credential: p.credential,
          door: p.door,
          until_ms: p.until,
        }),
    ),
    moveSession: prepare<{ session: string; until: number }>(connection, (db, p) =>
      db.updateTable('accounting_open').set({ until_ms: p.until }).where('session', '=', p.session),
    ),
    closeSession: prepare<{ session: string }>(connection, (db, p) =>
      db.deleteFrom('accounting_open').where('session', '=', p.session),
    ),
    /** Not of a person who has been erased meanwhile. */
    addSource: prepare<{ session: string; source: string; person: string | null; at: number }>(
      connection,
      (db, p) =>
        db
          .insertInto('accounting_source')
          .columns(['session', 'source', 'person', 'at'])
          .expression(
            db
              .selectNoFrom([
                sql<string>`${p.session}`.as('session'),
                sql<string>`${p.source}`.as('source'),
                sql<string | null>`${p.person}`.as('person'),
                sql<number>`${p.at}`.as('at'),
              ])
              .where((eb) =>
                eb.or([
                  sql<boolean>`${p.person} is null`,
                  eb.exists(eb.selectFrom('person').select('person.id').where('person.id', '=', p.person)),
                ]),
              ),
          ),
    ),
    setAlive: prepare<{ at: number }>(connection, (db, p) =>
      db
        .insertInto('accounting_alive')
        .values({ id: 1, at: p.at })
        .onConflict((conflict) => conflict.column('id').doUpdateSet((eb) => ({ at: eb.ref('excluded.at') }))),
    ),
    forgetRecords: prepare<{ before: number; most: number }>(connection, (db, p) =>
      db
        .deleteFrom('accounting_record')
        .where('id', 'in', (eb) =>
          eb
            .selectFrom('accounting_record')
            .select('id')
            .where('to_ms', '<', p.before)
            .orderBy('to_ms')
            .limit(p.most),
        ),
    ),
    forgetSources: prepare<{ before: number; most: number }>(connection, (db, p) =>
      db
        .deleteFrom('accounting_source')
        .where('session', 'in', (eb) =>
          eb
            .selectFrom('accounting_source')
            .select('session')
            .where('at', '<', p.before)
            .orderBy('at')
            .limit(p.most),
        ),
    ),
    forgetUsage: prepare<{ before: number }>(connection, (db, p) =>
      db.deleteFrom('usage').where('day', '<', p.before),
    ),
  };
}

/** Steps that set limits. `settings`: JSON; a device or organisation without any is as the fleet has it. */
export function limitStatements(connection: Connection) {
  return {
    setLimits: prepare<{ of: 'organisation' | 'device'; id: string; settings: string; at: number }>(
      connection,
      (db, p) =>
        db
          .insertInto('limit_setting')
          .values({ of: p.of, id: p.id, settings: p.settings, changed: p.at })
          .onConflict((conflict) =>
            conflict.columns(['of', 'id']).doUpdateSet((eb) => ({
              settings: eb.ref('excluded.settings'),
              changed: eb.ref('excluded.changed'),
            })),
          ),
    ),
  };
}
