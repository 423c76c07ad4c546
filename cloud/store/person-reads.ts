import { sql } from 'kysely';
import { type Connection, listOf, prepare } from './database.ts';
import type { LinkPurpose } from './people-schema.ts';

/** A person as the store knows him. Times are in ms since 1970. */
export interface PersonRow {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly passwordHash: string | null;
  readonly created: number;
  readonly operator: boolean;
  readonly cutOff: number | null;
  /** Sealed; null where no second factor is enabled. */
  readonly factorSecret: string | null;
  readonly factorOffered: string | null;
  readonly factorStep: number | null;
  readonly factorReset: number | null;
  /** What he is a member of, by id: what he has accepted to be. */
  readonly organisations: readonly string[];
  /** What he is invited to be a member of, and has not accepted. */
  readonly invitations: readonly string[];
}

/** A session that has not ended. */
export interface SessionRow {
  readonly id: string;
  readonly created: number;
  readonly renewed: number;
  readonly seen: number;
  readonly expires: number;
  readonly pending: boolean;
  readonly source: string;
  readonly agent: string;
}

/** Whom a link is for; `person: null` for that of the first start. */
export interface LinkRow {
  readonly purpose: LinkPurpose;
  readonly expires: number;
  readonly person: { readonly id: string; readonly email: string; readonly name: string } | null;
  /** Whose invitation is accepted by it. */
  readonly organisation: string | null;
}

/** An entry of the audit log that holds something personal of somebody. */
export interface PersonalEntryRow {
  readonly id: number;
  readonly organisation: string;
  readonly at: number;
  readonly action: string;
  readonly outcome: string;
  readonly actor: string;
  /** JSON; null where it holds something of another person too. */
  readonly data: string | null;
}

interface StoredPerson {
  id: string;
  email: string;
  name: string;
  password_hash: string | null;
  created: number;
  operator: number;
  cut_off: number | null;
  factor_secret: string | null;
  factor_offered: string | null;
  factor_step: number | null;
  factor_reset: number | null;
  /** JSON. */
  organisations: string;
  /** JSON. */
  invitations: string;
}

const personColumns = [
  'person.id',
  'person.email',
  'person.name',
  'person.password_hash',
  'person.created',
  'person.operator',
  'person.cut_off',
  'person.factor_secret',
  'person.factor_offered',
  'person.factor_step',
  'person.factor_reset',
] as const;

const organisationLists = [
  sql<string>`(select ${listOf('membership.organisation')} from membership
    where membership.person = person.id and membership.arrived is not null)`.as('organisations'),
  sql<string>`(select ${listOf('membership.organisation')} from membership
    where membership.person = person.id and membership.arrived is null)`.as('invitations'),
] as const;

const sessionColumns = [
  'person_session.id',
  'person_session.created',
  'person_session.renewed',
  'person_session.seen',
  'person_session.expires',
  'person_session.pending',
  'person_session.source',
  'person_session.agent',
] as const;

type StoredSession = Omit<SessionRow, 'pending'> & { pending: number };

/** Questions for persons and what they prove themselves with. */
export function personReads(connection: Connection) {
  const any = prepare<Record<never, never>, { id: string }>(connection, (db) =>
    db.selectFrom('person').select('id').limit(1),
  );
  const byId = prepare<{ id: string }, StoredPerson>(connection, (db, p) =>
    db
      .selectFrom('person')
      .select([...personColumns, ...organisationLists])
      .where('id', '=', p.id),
  );
  const byEmail = prepare<{ email: string }, StoredPerson>(connection, (db, p) =>
    db
      .selectFrom('person')
      .select([...personColumns, ...organisationLists])
      .where('email', '=', p.email),
  );
  const session = prepare<
    { tokenHash: Uint8Array; now: number; idleSince: number },
    StoredSession & { person: string }
  >(connection, (db, p) =>
    db
      .selectFrom('person_session')
      .innerJoin('person', 'person.id', 'person_session.person')
      .select([...sessionColumns, 'person_session.person'])
      .where('token_hash', '=', p.tokenHash)
      .where('expires', '>', p.now)
      .where('seen', '>', p.idleSince)
      .where(sql<boolean>`renewed >= coalesce(cut_off, renewed)`),
  );
  const sessions = prepare<{ person: string; now: number; idleSince: number }, StoredSession>(
    connection,
    (db, p) =>
      db
        .selectFrom('person_session')
        .innerJoin('person', 'person.id', 'person_session.person')
        .select(sessionColumns)
        .where('person', '=', p.person)
        .where('expires', '>', p.now)
        .where('seen', '>', p.idleSince)
        .where(sql<boolean>`renewed >= coalesce(cut_off, renewed)`)
        .orderBy('person_session.created', 'desc')
        .orderBy('person_session.id'),
  );
  const link = prepare<
    { one: Uint8Array; other: Uint8Array; now: number },
    {
      purpose: LinkPurpose;
      expires: number;
      person: string | null;
      email: string | null;
      name: string | null;
      organisation: string | null;
    }
  >(connection, (db, p) =>
    db
      .selectFrom('link')
      .leftJoin('person', 'person.id', 'link.person')
      .select(['purpose', 'expires', 'link.person', 'link.organisation', 'email', 'name'])
      .where((eb) => eb.or([eb('secret_hash', '=', p.one), eb('secret_hash', '=', p.other)]))
      .where('expires', '>', p.now),
  );
  const recoveryCodes = prepare<{ person: string }, { left: number }>(connection, (db, p) =>
    db
      .selectFrom('recovery_code')
      .select((eb) => eb.fn.countAll<number>().as('left'))
      .where('person', '=', p.person),
  );
  const votes = prepare<{ person: string; organisation: string; since: number }, { voter: string }>(
    connection,
    (db, p) =>
      db
        .selectFrom('factor_vote')
        .select('voter')
        .where('person', '=', p.person)
        .where('organisation', '=', p.organisation)
        .where('at', '>', p.since)
        .orderBy('voter'),
  );
  const administrators = prepare<{ organisation: string }, { email: string; name: string }>(
    connection,
    (db, p) =>
      db
        .selectFrom('membership')
        .innerJoin('person', 'person.id', 'membership.person')
        .select(['email', 'person.name'])
        .where('organisation', '=', p.organisation)
        .where('role', '=', 'administrator')
        .where('reach', '=', 'organisation')
        .where('arrived', 'is not', null)
        .where('password_hash', 'is not', null)
        .orderBy('email'),
  );
  const blocks = prepare<Record<never, never>, { block: string }>(connection, (db) =>
    db.selectFrom('block').select('block').orderBy('id'),
  );
  const tokenNames = prepare<
    { person: string },
    {
      id: string;
      organisation: string;
      name: string;
      status: string;
      created: number;
      expires: number;
      used: number | null;
    }
  >(connection, (db, p) =>
    db
      .selectFrom('api_token')
      .select(['id', 'organisation', 'name', 'status', 'created', 'expires', 'used'])
      .where('person', '=', p.person)
      .orderBy('created'),
  );
  const credentials = prepare<{ organisation: string }, { id: string; name: string; kind: string }>(
    connection,
    (db, p) =>
      db
        .selectFrom('api_token')
        .select(['id', 'name', sql<string>`'token'`.as('kind')])
        .where('organisation', '=', p.organisation)
        .unionAll(
          db
            .selectFrom('application_key')
            .innerJoin('application', 'application.id', 'application_key.application')
            .select(['application_key.id', 'application_key.name', sql<string>`'application-key'`.as('kind')])
            .where('application.organisation', '=', p.organisation),
        ),
  );
  const personalEntries = prepare<
    { person: string; before: number; limit: number },
    Omit<PersonalEntryRow, 'data' | 'actor'> & { actor_id: string; data: string; others: number }
  >(connection, (db, p) =>
    db
      .selectFrom('audit_personal_of')
      .innerJoin('audit', 'audit.id', 'audit_personal_of.entry')
      .innerJoin('audit_personal', 'audit_personal.entry', 'audit.id')
      .select(['audit.id', 'audit.organisation', 'at', 'action', 'outcome', 'actor_id', 'data'])
      .select(
        sql<number>`(select count(*) from audit_personal_of as also where also.entry = audit.id
          and also.user <> ${p.person})`.as('others'),
      )
      .where('audit_personal_of.user', '=', p.person)
      .where('audit.id', '<', p.before)
      .orderBy('audit.id', 'desc')
      .limit(p.limit),
  );

  return {
    /** Whether there is anybody yet. */
    hasPersons(_: Record<never, never>): boolean {
      return any.first({}) !== undefined;
    },

    person(query: { id: string }): PersonRow | undefined {
      return personRow(byId.first(query));
    },

    /** `email` in lower case. */
    personByEmail(query: { email: string }): PersonRow | undefined {
      return personRow(byEmail.first(query));
    },

    /**
     * The session whose token has this hash, with its person, where it has not ended: not too old, used since
     * `idleSince`, and not older than its person's cut-off.
     */
    session(query: {
      tokenHash: Uint8Array;
      now: number;
      idleSince: number;
    }): { readonly session: SessionRow; readonly person: PersonRow } | undefined {
      const row = session.first(query);
      const person = row && personRow(byId.first({ id: row.person }));
      return row && person && { session: sessionRow(row), person };
    },

    /** Sessions of a person that have not ended, the newest first. */
    sessions(query: { person: string; now: number; idleSince: number }): SessionRow[] {
      return sessions.all(query).map(sessionRow);
    },

    /** The link behind one of two hashes, where it is good still. */
    link(query: { one: Uint8Array; other: Uint8Array; now: number }): LinkRow | undefined {
      const row = link.first(query);
      if (row === undefined) return undefined;
      const { purpose, expires, person: id, email, name, organisation } = row;
      const person = id === null || email === null || name === null ? null : { id, email, name };
      return { purpose, expires, person, organisation };
    },

    /** How many recovery codes are left. */
    recoveryCodes(query: { person: string }): number {
      return recoveryCodes.first(query)?.left ?? 0;
    },

    /** Who voted, after `since`, to reset the second factor of a person of this organisation. */
    factorVotes(query: { person: string; organisation: string; since: number }): string[] {
      return votes.all(query).map(({ voter }) => voter);
    },

    /** Who is told when an organisation's people are attacked. */
    administrators(query: { organisation: string }): { email: string; name: string }[] {
      return administrators.all(query);
    },

    /** API tokens that a person made, without what opens anything. */
    tokenNames(query: { person: string }) {
      return tokenNames.all(query);
    },

    /** API tokens and application keys of an organisation. */
    credentials(query: { organisation: string }): { id: string; name: string; kind: string }[] {
      return credentials.all(query);
    },

    /** What the guard held back when the process ended, JSON. */
    blocks(_: Record<never, never>): string[] {
      return blocks.all({}).map(({ block }) => block);
    },

    /** Entries of every chain that hold something personal of a person, the newest first. */
    personalEntries(query: { person: string; before: number; limit: number }): PersonalEntryRow[] {
      return personalEntries.all(query).map(({ actor_id: actor, data, others, ...row }) => ({
        ...row,
        actor,
        data: others === 0 ? data : null,
      }));
    },
  };
}

function personRow(row: StoredPerson | undefined): PersonRow | undefined {
  if (row === undefined) return undefined;
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    passwordHash: row.password_hash,
    created: row.created,
    operator: row.operator === 1,
    cutOff: row.cut_off,
    factorSecret: row.factor_secret,
    factorOffered: row.factor_offered,
    factorStep: row.factor_step,
    factorReset: row.factor_reset,
    organisations: JSON.parse(row.organisations),
    invitations: JSON.parse(row.invitations),
  };
}

function sessionRow({ pending, ...row }: StoredSession): SessionRow {
  const { id, created, renewed, seen, expires, source, agent } = row;
  return { id, created, renewed, seen, expires, pending: pending === 1, source, agent };
}
