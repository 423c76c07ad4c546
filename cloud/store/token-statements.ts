import { sql } from 'kysely';
import { type Connection, prepare } from './database.ts';

/**
 * Steps that change API tokens, applications and their keys. Times are in ms since 1970; scopes, devices, tags and topics
 * are JSON, null for no limit. What was revoked once stays so.
 */
export function tokenStatements(connection: Connection) {
  return {
    ...apiTokenStatements(connection),
    ...applicationStatements(connection),
    ...applicationKeyStatements(connection),
  };
}

function apiTokenStatements(connection: Connection) {
  return {
    /** Changes nothing where the person is no member: who was let in for a time makes nothing that stays. */
    addApiToken: prepare<{
      id: string;
      organisation: string;
      person: string;
      name: string;
      scopes: string;
      devices: string | null;
      tags: string | null;
      created: number;
      expires: number;
    }>(connection, (db, p) =>
      db
        .insertInto('api_token')
        .columns([
          'id',
          'organisation',
          'person',
          'name',
          'scopes',
          'devices',
          'tags',
          'status',
          'created',
          'expires',
        ])
        .expression(
          db
            .selectFrom('membership')
            .select([
              sql<string>`${p.id}`.as('id'),
              'organisation',
              'person',
              sql<string>`${p.name}`.as('name'),
              sql<string>`${p.scopes}`.as('scopes'),
              sql<string | null>`${p.devices}`.as('devices'),
              sql<string | null>`${p.tags}`.as('tags'),
              sql<'active'>`'active'`.as('status'),
              sql<number>`${p.created}`.as('created'),
              sql<number>`${p.expires}`.as('expires'),
            ])
            .where('organisation', '=', p.organisation)
            .where('person', '=', p.person)
            .where('arrived', 'is not', null),
        ),
    ),
    setApiToken: prepare<{ organisation: string; id: string; name: string; status: 'active' | 'inactive' }>(
      connection,
      (db, p) =>
        db
          .updateTable('api_token')
          .set({ name: p.name, status: p.status })
          .where('organisation', '=', p.organisation)
          .where('id', '=', p.id)
          .where('status', '<>', 'revoked'),
    ),
    revokeApiToken: prepare<{ organisation: string; id: string }>(connection, (db, p) =>
      db
        .updateTable('api_token')
        .set({ status: 'revoked' })
        .where('organisation', '=', p.organisation)
        .where('id', '=', p.id)
        .where('status', '<>', 'revoked'),
    ),
    noteApiTokenUse: prepare<{ id: string; at: number }>(connection, (db, p) =>
      db.updateTable('api_token').set({ used: p.at }).where('id', '=', p.id),
    ),
  };
}

function applicationStatements(connection: Connection) {
  return {
    /** Refused where the name is taken in the organisation. */
    addApplication: prepare<{
      id: string;
      organisation: string;
      name: string;
      devices: string | null;
      created: number;
    }>(connection, (db, p) =>
      db.insertInto('application').values({
        id: p.id,
        organisation: p.organisation,
        name: p.name,
        devices: p.devices,
        created: p.created,
      }),
    ),
    setApplication: prepare<{ organisation: string; id: string; name: string; devices: string | null }>(
      connection,
      (db, p) =>
        db
          .updateTable('application')
          .set({ name: p.name, devices: p.devices })
          .where('organisation', '=', p.organisation)
          .where('id', '=', p.id),
    ),
    /** Its keys go with it. */
    removeApplication: prepare<{ organisation: string; id: string }>(connection, (db, p) =>
      db.deleteFrom('application').where('organisation', '=', p.organisation).where('id', '=', p.id),
    ),
  };
}

function applicationKeyStatements(connection: Connection) {
  return {
    /** Refused where there is no such application any more. */
    addApplicationKey: prepare<{
      id: string;
      application: string;
      name: string;
      version: string;
      devices: string | null;
      tags: string | null;
      topics: string | null;
      created: number;
      expires: number | null;
    }>(connection, (db, p) =>
      db.insertInto('application_key').values({
        id: p.id,
        application: p.application,
        name: p.name,
        version: p.version,
        devices: p.devices,
        tags: p.tags,
        topics: p.topics,
        status: 'active',
        created: p.created,
        expires: p.expires,
        used: null,
      }),
    ),
    setApplicationKey: prepare<{
      application: string;
      id: string;
      name: string;
      status: 'active' | 'inactive';
    }>(connection, (db, p) =>
      db
        .updateTable('application_key')
        .set({ name: p.name, status: p.status })
        .where('application', '=', p.application)
        .where('id', '=', p.id)
        .where('status', '<>', 'revoked'),
    ),
    revokeApplicationKey: prepare<{ application: string; id: string }>(connection, (db, p) =>
      db
        .updateTable('application_key')
        .set({ status: 'revoked' })
        .where('application', '=', p.application)
        .where('id', '=', p.id)
        .where('status', '<>', 'revoked'),
    ),
    noteApplicationKeyUse: prepare<{ id: string; at: number }>(connection, (db, p) =>
      db.updateTable('application_key').set({ used: p.at }).where('id', '=', p.id),
    ),
  };
}
