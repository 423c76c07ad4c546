import { type Connection, prepare } from './database.ts';
import type { CredentialKind } from './device-schema.ts';

/** Steps that change what devices prove themselves by. What was revoked once stays so. Times: ms since 1970. */
export function credentialStatements(connection: Connection) {
  return {
    addDeviceCredential: prepare<{
      id: string;
      device: number;
      kind: CredentialKind;
      name: string;
      hash: Uint8Array | null;
      version: string | null;
      replaces: string | null;
      created: number;
      expires: number | null;
    }>(connection, (db, p) =>
      db.insertInto('device_credential').values({
        id: p.id,
        device: p.device,
        kind: p.kind,
        name: p.name,
        hash: p.hash,
        version: p.version,
        status: 'active',
        replaces: p.replaces,
        created: p.created,
        expires: p.expires,
        used: null,
      }),
    ),
    setDeviceCredential: prepare<{ id: string; name: string; status: 'active' | 'inactive' }>(
      connection,
      (db, p) =>
        db
          .updateTable('device_credential')
          .set({ name: p.name, status: p.status })
          .where('id', '=', p.id)
          .where('status', '<>', 'revoked'),
    ),
    revokeDeviceCredential: prepare<{ id: string }>(connection, (db, p) =>
      db
        .updateTable('device_credential')
        .set({ status: 'revoked' })
        .where('id', '=', p.id)
        .where('status', '<>', 'revoked'),
    ),
    noteDeviceCredentialUse: prepare<{ id: string; at: number }>(connection, (db, p) =>
      db.updateTable('device_credential').set({ used: p.at }).where('id', '=', p.id),
    ),
    /** What is retired stays off. */
    setDeviceEnabled: prepare<{ id: string; enabled: number }>(connection, (db, p) =>
      db
        .updateTable('device')
        .set({ enabled: p.enabled })
        .where('id', '=', p.id)
        .where('retired', 'is', null),
    ),
  };
}
