import { sql } from 'kysely';
import { type Connection, prepare } from './database.ts';
import type { LinkPurpose } from './people-schema.ts';

/** Steps that change persons, and what they prove themselves with. Times are in ms since 1970. */
export function personStatements(connection: Connection) {
  return {
    ...accountStatements(connection),
    ...sessionStatements(connection),
    ...linkStatements(connection),
    ...factorStatements(connection),
    setBlock: prepare<{ id: string; block: string; until: number }>(connection, (db, p) =>
      db
        .insertInto('block')
        .values({ id: p.id, block: p.block, until: p.until })
        .onConflict((conflict) =>
          conflict.column('id').doUpdateSet((eb) => ({
            block: eb.ref('excluded.block'),
            until: eb.ref('excluded.until'),
          })),
        ),
    ),
    removeBlock: prepare<{ id: string }>(connection, (db, p) =>
      db.deleteFrom('block').where('id', '=', p.id),
    ),
  };
}

function accountStatements(connection: Connection) {
  return {
    /** Refused where the address is somebody's already. */
    addPerson: prepare<{
      id: string;
      email: string;
      name: string;
      passwordHash: string | null;
      operator: 0 | 1;
      created: number;
    }>(connection, (db, p) =>
      db.insertInto('person').values({
        id: p.id,
        email: p.email,
        name: p.name,
        password_hash: p.passwordHash,
        operator: p.operator,
        created: p.created,
      }),
    ),
    /** The same for the very first: changes nothing where there is anybody. */
    addFirstPerson: prepare<{
      id: string;
      email: string;
      name: string;
      passwordHash: string;
      created: number;
    }>(connection, (db, p) =>
      db
        .insertInto('person')
        .columns(['id', 'email', 'name', 'password_hash', 'operator', 'created'])
        .expression(
          db
            .selectNoFrom([
              sql<string>`${p.id}`.as('id'),
              sql<string>`${p.email}`.as('email'),
              sql<string>`${p.name}`.as('name'),
              sql<string>`${p.passwordHash}`.as('password_hash'),
              sql<number>`1`.as('operator'),
              sql<number>`${p.created}`.as('created'),
            ])
            .where((eb) => eb.not(eb.exists(eb.selectFrom('person').select('person.id')))),
        ),
    ),
    setPersonName: prepare<{ person: string; name: string }>(connection, (db, p) =>
      db.updateTable('person').set({ name: p.name }).where('id', '=', p.person),
    ),
    setPassword: prepare<{ person: string; passwordHash: string }>(connection, (db, p) =>
      db.updateTable('person').set({ password_hash: p.passwordHash }).where('id', '=', p.person),
    ),
    /** Where it is still the one that was known: of two who change it at once, one does. */
    changePassword: prepare<{ person: string; known: string; passwordHash: string }>(connection, (db, p) =>
      db
        .updateTable('person')
        .set({ password_hash: p.passwordHash })
        .where('id', '=', p.person)
        .where('password_hash', '=', p.known),
    ),
    /** Ends every session and API token of a person that was made before. */
    cutOffPerson: prepare<{ person: string; at: number }>(connection, (db, p) =>
      db.updateTable('person').set({ cut_off: p.at }).where('id', '=', p.person),
    ),
    /**
     * Takes a person away, and with him his sessions, links, recovery codes, votes, memberships and grants. That nobody
     * is left without an administrator is for the steps before it to hold.
     */
    removePerson: prepare<{ person: string }>(connection, (db, p) =>
      db.deleteFrom('person').where('id', '=', p.person),
    ),
  };
}

function sessionStatements(connection: Connection) {
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

function linkStatements(connection: Connection) {
  return {
    addLink: prepare<{
      secretHash: Uint8Array;
      person: string | null;
      purpose: LinkPurpose;
      expires: number;
      organisation: string | null;
    }>(connection, (db, p) =>
      db.insertInto('link').values({
        secret_hash: p.secretHash,
        person: p.person,
        purpose: p.purpose,
        expires: p.expires,
        organisation: p.organisation,
      }),
    ),
    /**
     * Adds a link to reset a password, where there is such a person and fewer than `most` such links were made of late:
     * those that expire after `since`.
     */
    addResetLink: prepare<{
      secretHash: Uint8Array;
      email: string;
      expires: number;
      since: number;
      most: number;
    }>(connection, (db, p) =>
      db
        .insertInto('link')
        .columns(['secret_hash', 'person', 'purpose', 'expires'])
        .expression(
          db
            .selectFrom('person')
            .select([
              sql<Uint8Array>`${p.secretHash}`.as('secret_hash'),
              'person.id as person',
              sql<LinkPurpose>`'reset-password'`.as('purpose'),
              sql<number>`${p.expires}`.as('expires'),
            ])
            .where('email', '=', p.email)
            .where(
              sql<boolean>`(select count(*) from link where link.person = person.id and link.purpose = 'reset-password'
                and link.expires > ${p.since}) < ${p.most}`,
            ),
        ),
    ),
    /** Takes the first of three places for mails to an address that is free; changes nothing where none is. */
    takeInvitedPlace: prepare<{
      first: Uint8Array;
      second: Uint8Array;
      third: Uint8Array;
      expires: number;
    }>(connection, (db, p) =>
      db
        .insertInto('link')
        .columns(['secret_hash', 'purpose', 'expires'])
        .expression(
          db
            .selectFrom(
              sql<{ secret_hash: Uint8Array }>`(select ${p.first} as secret_hash union all select ${p.second}
                union all select ${p.third})`.as('place'),
            )
            .select([
              'place.secret_hash',
              sql<LinkPurpose>`'invited'`.as('purpose'),
              sql<number>`${p.expires}`.as('expires'),
            ])
            .where('place.secret_hash', 'not in', db.selectFrom('link').select('link.secret_hash'))
            .limit(1),
        ),
    ),
    /** Uses a link up: changes nothing where it was used, has expired, or is of another purpose. */
    spendLink: prepare<{
      secretHash: Uint8Array;
      purpose: LinkPurpose;
      now: number;
    }>(connection, (db, p) =>
      db
        .deleteFrom('link')
        .where('secret_hash', '=', p.secretHash)
        .where('purpose', '=', p.purpose)
        .where('expires', '>', p.now),
    ),
    /** Ends the links of a person by which a password can be set. */
    endPasswordLinks: prepare<{ person: string }>(connection, (db, p) =>
      db
        .deleteFrom('link')
        .where('person', '=', p.person)
        .where('purpose', 'in', ['set-password', 'reset-password']),
    ),
    endKeepLinks: prepare<{ person: string }>(connection, (db, p) =>
      db.deleteFrom('link').where('person', '=', p.person).where('purpose', '=', 'keep-second-factor'),
    ),
    endSetupLinks: prepare<Record<never, never>>(connection, (db) =>
      db.deleteFrom('link').where('purpose', '=', 'setup'),
    ),
    forgetLinks: prepare<{ now: number }>(connection, (db, p) =>
      db.deleteFrom('link').where('expires', '<=', p.now),
    ),
  };
}

function factorStatements(connection: Connection) {
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
        .where(sql<boolean>`ifnull(factor_step, -1) < ${p.step}`),
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
