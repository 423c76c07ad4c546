import { sql } from 'kysely';
import { type Connection, prepare } from './database.ts';

/** Steps of second factors, their recovery codes and their resets. Times are in ms since 1970. */
export function factorStatements(connection: Connection) {
  const without = {
    factor_secret: null,
    factor_offered: null,
    factor_step: null,
    factor_reset: null,
  } as const;
  return {
    /** Keeps a second factor's secret until a right code has come; replaces one that was offered before. */
    offerFactor: prepare<{ person: string; sealed: string }>(connection, (db, p) =>
      db
        .updateTable('person')
        .set({ factor_offered: p.sealed })
        .where('id', '=', p.person)
        .where('factor_secret', 'is', null),
    ),
    /** `offered`: the sealed secret that the code was right for; `step`: that of the code, used up with it. */
    enableFactor: prepare<{ person: string; offered: string; step: number }>(connection, (db, p) =>
      db
        .updateTable('person')
        .set({ factor_secret: p.offered, factor_offered: null, factor_step: p.step, factor_reset: null })
        .where('id', '=', p.person)
        .where('factor_offered', '=', p.offered)
        .where('factor_secret', 'is', null),
    ),
    /** Uses a code up: changes nothing where one of its step or a later one was used, or the secret is another. */
    useFactorStep: prepare<{ person: string; sealed: string; step: number }>(connection, (db, p) =>
      db
        .updateTable('person')
        .set({ factor_step: p.step })
        .where('id', '=', p.person)
        .where('factor_secret', '=', p.sealed)
        .where(sql<boolean>`coalesce(factor_step, -1) < ${p.step}`),
    ),
    /** Takes the place of a sealed secret that was sealed with an older key. */
    resealFactor: prepare<{ person: string; known: string; sealed: string }>(connection, (db, p) =>
      db
        .updateTable('person')
        .set({ factor_secret: p.sealed })
        .where('id', '=', p.person)
        .where('factor_secret', '=', p.known),
    ),
    /** The same for one that was offered and is not enabled yet. */
    resealOffer: prepare<{ person: string; known: string; sealed: string }>(connection, (db, p) =>
      db
        .updateTable('person')
        .set({ factor_offered: p.sealed })
        .where('id', '=', p.person)
        .where('factor_offered', '=', p.known),
    ),
    removeFactor: prepare<{ person: string; sealed: string }>(connection, (db, p) =>
      db.updateTable('person').set(without).where('id', '=', p.person).where('factor_secret', '=', p.sealed),
    ),
    /** The same for a reset whose delay is over. */
    removeFactorInTime: prepare<{ person: string; now: number }>(connection, (db, p) =>
      db
        .updateTable('person')
        .set(without)
        .where('id', '=', p.person)
        .where('factor_secret', 'is not', null)
        .where('factor_reset', '<=', p.now),
    ),
    /**
     * The same by the votes of two members of an organisation since a time. Changes nothing where the person is anything
     * outside of it: a member of another organisation, granted something there, or a fleet operator.
     */
    removeFactorByVotes: prepare<{ person: string; organisation: string; since: number }>(
      connection,
      (db, p) =>
        db
          .updateTable('person')
          .set(without)
          .where('id', '=', p.person)
          .where('factor_secret', 'is not', null)
          .where('operator', '=', 0)
          .where(
            sql<boolean>`not exists (select 1 from membership where membership.person = ${p.person}
              and membership.organisation <> ${p.organisation} and membership.arrived is not null)`,
          )
          .where(
            sql<boolean>`not exists (select 1 from access_grant where access_grant.person = ${p.person}
              and access_grant.organisation <> ${p.organisation})`,
          )
          .where(
            sql<boolean>`(select count(*) from factor_vote join membership on membership.person = factor_vote.voter
              and membership.organisation = factor_vote.organisation and membership.arrived is not null
              where factor_vote.person = ${p.person} and factor_vote.organisation = ${p.organisation}
              and factor_vote.voter <> ${p.person} and factor_vote.at > ${p.since}) >= 2`,
          ),
    ),
    addRecoveryCode: prepare<{ person: string; codeHash: Uint8Array }>(connection, (db, p) =>
      db.insertInto('recovery_code').values({ person: p.person, code_hash: p.codeHash }),
    ),
    /** Uses a recovery code up: changes nothing where there is none such any more. */
    spendRecoveryCode: prepare<{ person: string; codeHash: Uint8Array }>(connection, (db, p) =>
      db.deleteFrom('recovery_code').where('person', '=', p.person).where('code_hash', '=', p.codeHash),
    ),
    endRecoveryCodes: prepare<{ person: string }>(connection, (db, p) =>
      db.deleteFrom('recovery_code').where('person', '=', p.person),
    ),
    /** `takesEffect`: when a second factor is reset that its owner has lost. Changes nothing where it was asked before. */
    askFactorReset: prepare<{ person: string; takesEffect: number }>(connection, (db, p) =>
      db
        .updateTable('person')
        .set({ factor_reset: p.takesEffect })
        .where('id', '=', p.person)
        .where('factor_secret', 'is not', null)
        .where('factor_reset', 'is', null),
    ),
    stopFactorReset: prepare<{ person: string }>(connection, (db, p) =>
      db
        .updateTable('person')
        .set({ factor_reset: null })
        .where('id', '=', p.person)
        .where('factor_reset', 'is not', null),
    ),
    addFactorVote: prepare<{ person: string; organisation: string; voter: string; at: number }>(
      connection,
      (db, p) =>
        db
          .insertInto('factor_vote')
          .values({ person: p.person, organisation: p.organisation, voter: p.voter, at: p.at })
          .onConflict((conflict) =>
            conflict
              .columns(['person', 'organisation', 'voter'])
              .doUpdateSet((eb) => ({ at: eb.ref('excluded.at') })),
          ),
    ),
    endFactorVotes: prepare<{ person: string }>(connection, (db, p) =>
      db.deleteFrom('factor_vote').where('person', '=', p.person),
    ),
  };
}
