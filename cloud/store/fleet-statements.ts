import { sql } from 'kysely';
import { type Connection, prepare } from './database.ts';

type Nothing = Record<never, never>;

/**
 * Steps by which a restored copy takes over. Whatever was revoked since the backup stands in it as good: so nothing that
 * proves anything is good any more, and nobody is anything in an organisation before an administrator says so anew.
 * Times are in ms since 1970.
 */
export function fleetStatements(connection: Connection) {
  return {
    /** Changes nothing where the database is not fenced. */
    beginGeneration: prepare<{ generation: string; at: number }>(connection, (db, p) =>
      db
        .updateTable('fleet')
        .set((eb) => ({
          generation: p.generation,
          counter: eb('counter', '+', 1),
          since: p.at,
          fenced: null,
        }))
        .where('fenced', 'is not', null),
    ),
    endEverySession: prepare<Nothing>(connection, (db) => db.deleteFrom('person_session')),
    /** Of people, and what mails of invitations stand for. */
    endEveryLink: prepare<Nothing>(connection, (db) => db.deleteFrom('link')),
    /** A password, and what stands beside it: whoever comes again does so by a link, as one who is new. */
    endEveryPassword: prepare<{ at: number }>(connection, (db, p) =>
      db
        .updateTable('person')
        .set({
          password_hash: null,
          cut_off: p.at,
          factor_secret: null,
          factor_offered: null,
          factor_step: null,
          factor_reset: null,
        })
        .where(
          sql<boolean>`(password_hash is not null or factor_secret is not null or factor_offered is not null)`,
        ),
    ),
    endEveryRecoveryCode: prepare<Nothing>(connection, (db) => db.deleteFrom('recovery_code')),
    endEveryFactorVote: prepare<Nothing>(connection, (db) => db.deleteFrom('factor_vote')),
    endEveryOperator: prepare<Nothing>(connection, (db) =>
      db.updateTable('person').set({ operator: 0 }).where('operator', '=', 1),
    ),
    endEveryGrant: prepare<Nothing>(connection, (db) => db.deleteFrom('access_grant')),
    /** They become invitations that cannot be accepted before an administrator invites anew. */
    holdEveryMember: prepare<Nothing>(connection, (db) =>
      db
        .updateTable('membership')
        .set({ held: sql<number>`coalesce(arrived, 0)`, arrived: null })
        .where('held', 'is', null),
    ),
    endEveryApiToken: prepare<Nothing>(connection, (db) =>
      db.updateTable('api_token').set({ status: 'revoked' }).where('status', '<>', 'revoked'),
    ),
    switchOffEveryApplicationKey: prepare<Nothing>(connection, (db) =>
      db.updateTable('application_key').set({ status: 'inactive' }).where('status', '=', 'active'),
    ),
    switchOffEveryDeviceCredential: prepare<Nothing>(connection, (db) =>
      db.updateTable('device_credential').set({ status: 'inactive' }).where('status', '=', 'active'),
    ),
    switchOffEveryDevice: prepare<Nothing>(connection, (db) =>
      db.updateTable('device').set({ enabled: 0 }).where('enabled', '=', 1),
    ),
    /** Of gateways, each until an administrator readmits it by name: which of them have ended since, nobody knows. */
    holdEveryCertificate: prepare<{ at: number }>(connection, (db, p) =>
      db
        .updateTable('certificate')
        .set({ revoked: p.at, reason: 'restored' })
        .where('revoked', 'is', null)
        .where((eb) =>
          eb.or([
            eb('profile', '=', 'gateway'),
            // One from before profiles were kept.
            eb.and([
              eb('profile', 'is', null),
              eb('subject', 'in', eb.selectFrom('device').select('device.id')),
            ]),
          ]),
        ),
    ),
    /** Above what the lost cloud may have signed since; `highest`: one above that stays. */
    raiseEveryCounter: prepare<{ by: number; highest: number }>(connection, (db, p) =>
      db
        .updateTable('unit')
        .set((eb) => ({ counter: eb('counter', '+', p.by) }))
        .where('counter', '<=', p.highest),
    ),
    endEveryEnrolment: prepare<Nothing>(connection, (db) => db.deleteFrom('enrolment')),
    /** A person for whom somebody at the machine speaks is again what he was in organisations. */
    releaseMemberships: prepare<{ person: string }>(connection, (db, p) =>
      db
        .updateTable('membership')
        .set({ arrived: sql<number | null>`nullif(held, 0)`, held: null })
        .where('person', '=', p.person)
        .where('held', 'is not', null),
    ),
    /** An administrator invites anew who was held back: that one can accept again. */
    releaseMember: prepare<{ organisation: string; person: string }>(connection, (db, p) =>
      db
        .updateTable('membership')
        .set({ held: null })
        .where('organisation', '=', p.organisation)
        .where('person', '=', p.person)
        .where('held', 'is not', null),
    ),
  };
}
