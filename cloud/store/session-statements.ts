import { sql } from 'kysely';
import { type Connection, prepare } from './database.ts';

/** Steps that open, rotate and end the sessions of people. Times are in ms since 1970. */
export function sessionStatements(connection: Connection) {
  return {
    /** Opens a session, where the password is still the one that was given and the second factor's state the same. */
    openSession: prepare<{
      id: string;
      tokenHash: Uint8Array;
      person: string;
      passwordHash: string;
      created: number;
      expires: number;
      pending: 0 | 1;
      source: string;
      agent: string;
    }>(connection, (db, p) =>
      db
        .insertInto('person_session')
        .columns([
          'id',
          'token_hash',
          'person',
          'created',
          'renewed',
          'seen',
          'expires',
          'pending',
          'source',
          'agent',
        ])
        .expression(
          db
            .selectFrom('person')
            .select([
              sql<string>`${p.id}`.as('id'),
              sql<Uint8Array>`${p.tokenHash}`.as('token_hash'),
              'person.id as person',
              sql<number>`${p.created}`.as('created'),
              sql<number>`${p.created}`.as('renewed'),
              sql<number>`${p.created}`.as('seen'),
              sql<number>`${p.expires}`.as('expires'),
              sql<number>`${p.pending}`.as('pending'),
              sql<string>`${p.source}`.as('source'),
              sql<string>`${p.agent}`.as('agent'),
            ])
            .where('person.id', '=', p.person)
            .where('password_hash', '=', p.passwordHash)
            .where(sql<boolean>`(factor_secret is not null) = ${p.pending}`),
        ),
    ),
    /** Gives a session another token; the one before opens nothing any more. */
    rotateSession: prepare<{ session: string; known: Uint8Array; tokenHash: Uint8Array; at: number }>(
      connection,
      (db, p) =>
        db
          .updateTable('person_session')
          .set({ token_hash: p.tokenHash, renewed: p.at, seen: p.at })
          .where('id', '=', p.session)
          .where('token_hash', '=', p.known)
          .where('expires', '>', p.at),
    ),
    /** The same at the moment the second factor was given: from now on it is a whole session. */
    completeSession: prepare<{
      session: string;
      known: Uint8Array;
      tokenHash: Uint8Array;
      at: number;
      expires: number;
    }>(connection, (db, p) =>
      db
        .updateTable('person_session')
        .set({ token_hash: p.tokenHash, renewed: p.at, seen: p.at, pending: 0, expires: p.expires })
        .where('id', '=', p.session)
        .where('token_hash', '=', p.known)
        .where('pending', '=', 1)
        .where('expires', '>', p.at),
    ),
    touchSession: prepare<{ session: string; at: number }>(connection, (db, p) =>
      db.updateTable('person_session').set({ seen: p.at }).where('id', '=', p.session),
    ),
    endSession: prepare<{ session: string; person: string }>(connection, (db, p) =>
      db.deleteFrom('person_session').where('id', '=', p.session).where('person', '=', p.person),
    ),
    /** Ends the sessions of a person but one; `except: ''` all. */
    endSessions: prepare<{ person: string; except: string }>(connection, (db, p) =>
      db.deleteFrom('person_session').where('person', '=', p.person).where('id', '<>', p.except),
    ),
    endPendingSessions: prepare<{ person: string }>(connection, (db, p) =>
      db.deleteFrom('person_session').where('person', '=', p.person).where('pending', '=', 1),
    ),
    /** Forgets sessions that have ended by themselves. */
    forgetSessions: prepare<{ now: number; idleSince: number }>(connection, (db, p) =>
      db
        .deleteFrom('person_session')
        .where((eb) => eb.or([eb('expires', '<=', p.now), eb('seen', '<=', p.idleSince)])),
    ),
  };
}
