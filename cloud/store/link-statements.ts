import { sql } from 'kysely';
import { type Connection, prepare } from './database.ts';
import type { LinkPurpose } from './people-schema.ts';

/** Steps of one-time links, which are kept as hashes. Times are in ms since 1970. */
export function linkStatements(connection: Connection) {
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
