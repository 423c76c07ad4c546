import { type Kysely, sql } from 'kysely';
import { type Connection, prepare, textsOf } from './database.ts';
import type { Schema } from './schema.ts';

export type CredentialStatus = 'active' | 'inactive' | 'revoked';

/** An API token, as far as it is kept. Times are in ms since 1970. */
export interface ApiTokenRow {
  readonly id: string;
  readonly organisation: string;
  /** Who made it. */
  readonly person: string;
  /** What that person is called; empty where there is no such person any more. */
  readonly personName: string;
  readonly name: string;
  /** Patterns. */
  readonly scopes: readonly string[];
  readonly devices: readonly string[] | null;
  readonly tags: readonly string[] | null;
  readonly status: CredentialStatus;
  readonly created: number;
  readonly expires: number;
  readonly used: number | null;
}

/** A program that follows devices. */
export interface ApplicationRow {
  readonly id: string;
  readonly organisation: string;
  readonly name: string;
  readonly devices: readonly string[] | null;
  readonly created: number;
}

export interface ApplicationKeyRow {
  readonly id: string;
  readonly application: string;
  readonly name: string;
  /** Of the key outside the database that its secret is derived with. */
  readonly version: string;
  readonly devices: readonly string[] | null;
  readonly tags: readonly string[] | null;
  readonly topics: readonly string[] | null;
  readonly status: CredentialStatus;
  readonly created: number;
  readonly expires: number | null;
  readonly used: number | null;
}

/** An application key with what limits it beside itself. */
export interface HeldKeyRow extends ApplicationKeyRow {
  readonly organisation: string;
  readonly applicationDevices: readonly string[] | null;
}

/** The last one of the page before, of things in the order in which they were made. */
export interface MadePlace {
  readonly afterCreated: number;
  readonly afterId: string;
  readonly limit: number;
}

/** A row as it is stored, its lists as JSON. */
type Stored<Row, Lists extends keyof Row> = Omit<Row, Lists> & {
  [K in Lists]: string | Extract<Row[K], null>;
};

type StoredToken = Stored<ApiTokenRow, 'scopes' | 'devices' | 'tags'>;
type StoredApplication = Stored<ApplicationRow, 'devices'>;
type StoredKey = Stored<ApplicationKeyRow, 'devices' | 'tags' | 'topics'>;
type StoredHeldKey = Stored<HeldKeyRow, 'devices' | 'tags' | 'topics' | 'applicationDevices'>;

function tokenRows(db: Kysely<Schema>) {
  return db
    .selectFrom('api_token')
    .leftJoin('person', 'person.id', 'api_token.person')
    .select([
      'api_token.id',
      'api_token.organisation',
      'api_token.person',
      'api_token.name',
      'api_token.scopes',
      'api_token.devices',
      'api_token.tags',
      'api_token.status',
      'api_token.created',
      'api_token.expires',
      'api_token.used',
      sql<string>`coalesce(person.name, '')`.as('personName'),
    ]);
}

const keyColumns = [
  'application_key.id',
  'application_key.application',
  'application_key.name',
  'application_key.version',
  'application_key.devices',
  'application_key.tags',
  'application_key.topics',
  'application_key.status',
  'application_key.created',
  'application_key.expires',
  'application_key.used',
] as const;

/** Questions for API tokens, applications and their keys. */
export function tokenReads(connection: Connection) {
  const token = prepare<{ id: string }, StoredToken>(connection, (db, p) =>
    tokenRows(db).where('api_token.id', '=', p.id),
  );
  const tokens = prepare<
    { organisation: string; status: string | null; creator: string | null } & MadePlace,
    StoredToken
  >(connection, (db, p) =>
    tokenRows(db)
      .where('api_token.organisation', '=', p.organisation)
      .where(sql<boolean>`(${p.status} is null or api_token.status = ${p.status})`)
      .where(sql<boolean>`(${p.creator} is null or api_token.person = ${p.creator})`)
      .where(sql<boolean>`(api_token.created, api_token.id) > (${p.afterCreated}, ${p.afterId})`)
      .orderBy('api_token.created')
      .orderBy('api_token.id')
      .limit(p.limit),
  );
  const application = prepare<{ organisation: string; id: string }, StoredApplication>(connection, (db, p) =>
    db
      .selectFrom('application')
      .selectAll()
      .where('organisation', '=', p.organisation)
      .where('id', '=', p.id),
  );
  const applications = prepare<{ organisation: string } & MadePlace, StoredApplication>(connection, (db, p) =>
    db
      .selectFrom('application')
      .selectAll()
      .where('organisation', '=', p.organisation)
      .where(sql<boolean>`(created, id) > (${p.afterCreated}, ${p.afterId})`)
      .orderBy('created')
      .orderBy('id')
      .limit(p.limit),
  );
  const key = prepare<{ application: string; id: string }, StoredKey>(connection, (db, p) =>
    db
      .selectFrom('application_key')
      .select(keyColumns)
      .where('application', '=', p.application)
      .where('id', '=', p.id),
  );
  const keys = prepare<{ application: string } & MadePlace, StoredKey>(connection, (db, p) =>
    db
      .selectFrom('application_key')
      .select(keyColumns)
      .where('application', '=', p.application)
      .where(sql<boolean>`(created, id) > (${p.afterCreated}, ${p.afterId})`)
      .orderBy('created')
      .orderBy('id')
      .limit(p.limit),
  );
  const held = prepare<{ ids: string }, StoredHeldKey>(connection, (db, p) =>
    db
      .selectFrom('application_key')
      .innerJoin('application', 'application.id', 'application_key.application')
      .select([...keyColumns, 'application.organisation', 'application.devices as applicationDevices'])
      .where('application_key.id', 'in', textsOf(p.ids)),
  );

  return {
    apiToken({ id }: { id: string }): ApiTokenRow | undefined {
      const row = token.first({ id });
      return row && tokenOf(row);
    },

    /** API tokens of an organisation in the order they were made; null where status or creator do not matter. */
    apiTokens(
      query: { organisation: string; status: string | null; creator: string | null } & MadePlace,
    ): ApiTokenRow[] {
      return tokens.all(query).map(tokenOf);
    },

    application(query: { organisation: string; id: string }): ApplicationRow | undefined {
      const row = application.first(query);
      return row && applicationOf(row);
    },

    applications(query: { organisation: string } & MadePlace): ApplicationRow[] {
      return applications.all(query).map(applicationOf);
    },

    applicationKey(query: { application: string; id: string }): ApplicationKeyRow | undefined {
      const row = key.first(query);
      return row && keyOf(row);
    },

    applicationKeys(query: { application: string } & MadePlace): ApplicationKeyRow[] {
      return keys.all(query).map(keyOf);
    },

    /** Those of these keys that are there still, with what limits them: for who holds links open by them. */
    heldKeys({ ids }: { ids: readonly string[] }): HeldKeyRow[] {
      return held.all({ ids: JSON.stringify(ids) }).map((row) => ({
        ...keyOf(row),
        organisation: row.organisation,
        applicationDevices: listIn(row.applicationDevices),
      }));
    },
  };
}

function tokenOf(row: StoredToken): ApiTokenRow {
  return {
    ...row,
    scopes: JSON.parse(row.scopes) as string[],
    devices: listIn(row.devices),
    tags: listIn(row.tags),
  };
}

function applicationOf(row: StoredApplication): ApplicationRow {
  return { ...row, devices: listIn(row.devices) };
}

function keyOf(row: StoredKey): ApplicationKeyRow {
  return { ...row, devices: listIn(row.devices), tags: listIn(row.tags), topics: listIn(row.topics) };
}

function listIn(json: string | null): readonly string[] | null {
  return json === null ? null : (JSON.parse(json) as string[]);
}
