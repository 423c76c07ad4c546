import { type Compilable, type Generated, type Kysely, sql } from 'kysely';
import { randomHex } from './database.ts';
import type { Schema } from './schema.ts';

/** What a one-time link is for. `invited` opens nothing: it stands for a mail that an address got of late. */
export type LinkPurpose = 'setup' | 'set-password' | 'reset-password' | 'keep-second-factor' | 'invited';

/**
 * The tables of people, what they are in organisations, and what they and programs prove it with. Times are whole
 * milliseconds since 1970; ids are random UUIDs where not said otherwise. No secret stands here that opens anything.
 */
export interface PeopleTables {
  person: {
    id: string;
    /** Lower case; what one logs in with. */
    email: string;
    name: string;
    /** Argon2id; null until one has been set by a link. */
    password_hash: string | null;
    created: number;
    /** 1 for a fleet operator. */
    operator: Generated<number>;
    /** Sessions and tokens from before it have ended. */
    cut_off: number | null;
    /** The second factor's secret, sealed with a key outside the database; null where none is enabled. */
    factor_secret: string | null;
    /** One that is not enabled yet: a right code has still to come. */
    factor_offered: string | null;
    /** The step (30 s) of the last code that was used: none is taken twice. */
    factor_step: number | null;
    /** When a reset of the second factor that was asked for takes effect. */
    factor_reset: number | null;
  };
  /** Hashes of recovery codes not yet used. */
  recovery_code: { person: string; code_hash: Uint8Array };
  /** Administrators of an organisation who voted to reset a lost second factor. */
  factor_vote: { person: string; organisation: string; voter: string; at: number };
  /** A session is found by the hash of its token: the token itself is nowhere. */
  person_session: {
    id: string;
    token_hash: Uint8Array;
    person: string;
    /** When its person logged in. An organisation's cut-off goes by it. */
    created: number;
    /** When its token was made: at login, and each time it was rotated. A person's own cut-off goes by it. */
    renewed: number;
    seen: number;
    expires: number;
    /** 1 while it lacks its second factor. */
    pending: number;
    source: string;
    agent: string;
  };
  /**
   * One-time links, as hashes: to set a first password, to reset one, to keep a second factor whose reset somebody
   * asked for; `setup` is the first operator's, and nobody's yet.
   */
  link: {
    secret_hash: Uint8Array;
    person: string | null;
    purpose: LinkPurpose;
    expires: number;
    /** Whose invitation is accepted by setting the password of a new person by it; null where nobody's is. */
    organisation: string | null;
  };
  membership: {
    organisation: string;
    person: string;
    role: string;
    reach: 'organisation' | 'departments' | 'customer';
    customer: string | null;
    /** Sessions and tokens from before it have ended in the organisation. */
    cut_off: number | null;
    created: number;
    /** What who took the person in called him. */
    called: string | null;
    /** When the person accepted it; null until then: an invitation, by which he is nothing there. */
    arrived: number | null;
    /**
     * Held back after a restore: when it had been accepted, 0 where it had not been. It cannot be accepted before an
     * administrator invites anew. Null otherwise.
     */
    held: Generated<number | null>;
  };
  membership_department: { organisation: string; person: string; department: string };
  /** Roles an organisation made itself; `id` is a name, unique in the organisation. */
  own_role: { organisation: string; id: string; name: string; scopes: string };
  department: { id: string; organisation: string; name: string };
  customer: { id: string; organisation: string; name: string };
  /** What a fleet operator may do in an organisation, for a time. */
  access_grant: {
    id: string;
    organisation: string;
    person: string;
    role: string;
    reason: string;
    created: number;
    expires: number;
    /** When the audit log last said that it is being used. */
    used: number | null;
  };
  /** API tokens: neither the token nor a hash of it. */
  api_token: {
    id: string;
    organisation: string;
    /** Who made it. */
    person: string;
    name: string;
    /** JSON, patterns as they were given. The token has them too, encrypted: the narrower of the two holds. */
    scopes: string;
    /** JSON; null for no limit. */
    devices: string | null;
    tags: string | null;
    status: 'active' | 'inactive' | 'revoked';
    created: number;
    expires: number;
    used: number | null;
  };
  application: { id: string; organisation: string; name: string; devices: string | null; created: number };
  /** Application keys: the secret is derived from the id and a key outside the database, of that version. */
  application_key: {
    id: string;
    application: string;
    name: string;
    version: string;
    devices: string | null;
    tags: string | null;
    topics: string | null;
    status: 'active' | 'inactive' | 'revoked';
    created: number;
    expires: number | null;
    used: number | null;
  };
  /** What the guard holds back, so that a restart does not let it go. */
  block: { id: string; block: string; until: number };
}

/** The step that makes them. What is there of people and organisations goes over. */
export function peopleTables(db: Kysely<Schema>): Compilable[] {
  const { schema } = db;
  const later = (statement: ReturnType<typeof sql>): Compilable => ({ compile: () => statement.compile(db) });
  const ofOrganisation = ['organisation'] as const;
  return [
    schema.alterTable('organisation').addColumn('isolation', 'text', (c) => c.notNull().defaultTo('basic')),
    schema
      .alterTable('organisation')
      .addColumn('second_factor', 'text', (c) => c.notNull().defaultTo('not-required')),
    schema.alterTable('organisation').addColumn('token_days', 'integer', (c) => c.notNull().defaultTo(365)),
    schema.alterTable('organisation').addColumn('audit_days', 'integer', (c) => c.notNull().defaultTo(730)),
    schema.alterTable('organisation').addColumn('cut_off', 'integer'),
    schema.alterTable('organisation').addColumn('created', 'integer', (c) => c.notNull().defaultTo(0)),
    schema.alterTable('organisation').addColumn('revision', 'integer', (c) => c.notNull().defaultTo(0)),
    schema.alterTable('gateway').addColumn('name', 'text'),
    schema.alterTable('gateway').addColumn('department', 'text'),
    schema.alterTable('gateway').addColumn('customer', 'text'),
    schema
      .createTable('person')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('email', 'text', (c) => c.notNull().unique())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('password_hash', 'text')
      .addColumn('created', 'integer', (c) => c.notNull())
      .addColumn('operator', 'integer', (c) => c.notNull().defaultTo(0))
      .addColumn('cut_off', 'integer')
      .addColumn('factor_secret', 'text')
      .addColumn('factor_offered', 'text')
      .addColumn('factor_step', 'integer')
      .addColumn('factor_reset', 'integer'),
    schema
      .createTable('recovery_code')
      .addColumn('person', 'text', (c) => c.notNull().references('person.id').onDelete('cascade'))
      .addColumn('code_hash', 'blob', (c) => c.notNull())
      .addPrimaryKeyConstraint('recovery_code_of_person', ['person', 'code_hash']),
    schema
      .createTable('factor_vote')
      .addColumn('person', 'text', (c) => c.notNull().references('person.id').onDelete('cascade'))
      .addColumn('organisation', 'text', (c) => c.notNull().references('organisation.id'))
      .addColumn('voter', 'text', (c) => c.notNull().references('person.id').onDelete('cascade'))
      .addColumn('at', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('vote_of_voter', ['person', 'organisation', 'voter']),
    schema
      .createTable('person_session')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('token_hash', 'blob', (c) => c.notNull().unique())
      .addColumn('person', 'text', (c) => c.notNull().references('person.id').onDelete('cascade'))
      .addColumn('created', 'integer', (c) => c.notNull())
      .addColumn('renewed', 'integer', (c) => c.notNull())
      .addColumn('seen', 'integer', (c) => c.notNull())
      .addColumn('expires', 'integer', (c) => c.notNull())
      .addColumn('pending', 'integer', (c) => c.notNull())
      .addColumn('source', 'text', (c) => c.notNull())
      .addColumn('agent', 'text', (c) => c.notNull()),
    schema.createIndex('session_of_person').on('person_session').columns(['person', 'created']),
    schema
      .createTable('link')
      .addColumn('secret_hash', 'blob', (c) => c.primaryKey())
      .addColumn('person', 'text', (c) => c.references('person.id').onDelete('cascade'))
      .addColumn('purpose', 'text', (c) => c.notNull())
      .addColumn('expires', 'integer', (c) => c.notNull()),
    schema.createIndex('link_of_person').on('link').columns(['person']),
    schema
      .createTable('department')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('organisation', 'text', (c) => c.notNull().references('organisation.id'))
      .addColumn('name', 'text', (c) => c.notNull())
      .addUniqueConstraint('department_name', ['organisation', 'name']),
    schema
      .createTable('customer')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('organisation', 'text', (c) => c.notNull().references('organisation.id'))
      .addColumn('name', 'text', (c) => c.notNull())
      .addUniqueConstraint('customer_name', ['organisation', 'name']),
    schema
      .createTable('own_role')
      .addColumn('organisation', 'text', (c) => c.notNull().references('organisation.id'))
      .addColumn('id', 'text', (c) => c.notNull())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('scopes', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('role_of_organisation', ['organisation', 'id']),
    schema
      .createTable('membership')
      .addColumn('organisation', 'text', (c) => c.notNull().references('organisation.id'))
      .addColumn('person', 'text', (c) => c.notNull().references('person.id').onDelete('cascade'))
      .addColumn('role', 'text', (c) => c.notNull())
      .addColumn('reach', 'text', (c) => c.notNull())
      .addColumn('customer', 'text', (c) => c.references('customer.id'))
      .addColumn('cut_off', 'integer')
      .addColumn('created', 'integer', (c) => c.notNull())
      .addColumn('called', 'text')
      .addColumn('arrived', 'integer')
      .addPrimaryKeyConstraint('membership_of_person', ['organisation', 'person']),
    schema.createIndex('memberships').on('membership').columns(['person']),
    schema
      .createTable('membership_department')
      .addColumn('organisation', 'text', (c) => c.notNull())
      .addColumn('person', 'text', (c) => c.notNull())
      .addColumn('department', 'text', (c) => c.notNull().references('department.id').onDelete('cascade'))
      .addPrimaryKeyConstraint('department_of_membership', ['organisation', 'person', 'department'])
      .addForeignKeyConstraint(
        'of_membership',
        ['organisation', 'person'],
        'membership',
        ['organisation', 'person'],
        (c) => c.onDelete('cascade'),
      ),
    schema
      .createTable('access_grant')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('organisation', 'text', (c) => c.notNull().references('organisation.id'))
      .addColumn('person', 'text', (c) => c.notNull().references('person.id').onDelete('cascade'))
      .addColumn('role', 'text', (c) => c.notNull())
      .addColumn('reason', 'text', (c) => c.notNull())
      .addColumn('created', 'integer', (c) => c.notNull())
      .addColumn('expires', 'integer', (c) => c.notNull())
      .addColumn('used', 'integer'),
    schema.createIndex('grants_of_person').on('access_grant').columns(['person', 'organisation']),
    schema
      .createTable('api_token')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('organisation', 'text', (c) => c.notNull().references('organisation.id'))
      .addColumn('person', 'text', (c) => c.notNull())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('scopes', 'text', (c) => c.notNull())
      .addColumn('devices', 'text')
      .addColumn('tags', 'text')
      .addColumn('status', 'text', (c) => c.notNull())
      .addColumn('created', 'integer', (c) => c.notNull())
      .addColumn('expires', 'integer', (c) => c.notNull())
      .addColumn('used', 'integer'),
    schema.createIndex('tokens_of_organisation').on('api_token').columns(['organisation', 'created', 'id']),
    schema
      .createTable('application')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('organisation', 'text', (c) => c.notNull().references('organisation.id'))
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('devices', 'text')
      .addColumn('created', 'integer', (c) => c.notNull())
      .addUniqueConstraint('application_name', [...ofOrganisation, 'name']),
    schema
      .createTable('application_key')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('application', 'text', (c) => c.notNull().references('application.id').onDelete('cascade'))
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('version', 'text', (c) => c.notNull())
      .addColumn('devices', 'text')
      .addColumn('tags', 'text')
      .addColumn('topics', 'text')
      .addColumn('status', 'text', (c) => c.notNull())
      .addColumn('created', 'integer', (c) => c.notNull())
      .addColumn('expires', 'integer')
      .addColumn('used', 'integer'),
    schema
      .createTable('block')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('block', 'text', (c) => c.notNull())
      .addColumn('until', 'integer', (c) => c.notNull()),
    // Who could log in before can do so still, by the same name; sessions begin anew.
    later(sql`
      insert into person (id, email, name, password_hash, created, operator)
      select ${randomHex(4)} || '-' || ${randomHex(2)} || '-4' || substr(${randomHex(2)}, 2) || '-8' ||
        substr(${randomHex(2)}, 2) || '-' || ${randomHex(6)}, lower(name), name, password_hash, 0, 1 from user`),
    later(sql`
      insert into membership (organisation, person, role, reach, created, arrived)
      select user.organisation, person.id, 'administrator', 'organisation', 0, 0 from user
      join person on person.name = user.name`),
    schema.dropTable('session'),
    schema.dropTable('user'),
  ];
}

/** A membership is an invitation until its person accepts it; those from before are accepted. */
export function invitationTables(db: Kysely<Schema>): Compilable[] {
  return [
    db.schema.alterTable('link').addColumn('organisation', 'text'),
    { compile: () => sql`update membership set arrived = created where arrived is null`.compile(db) },
  ];
}
