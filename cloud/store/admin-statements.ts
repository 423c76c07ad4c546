import { type Connection, prepare } from './database.ts';

/** Statements of devices and their enrolment. */
export function adminStatements(connection: Connection) {
  return {
    addDevice: prepare<{ id: string; organisation: string; kind: 'gateway' | 'software' }>(
      connection,
      (db, p) =>
        db
          .insertInto('device')
          .values({ id: p.id, organisation: p.organisation, kind: p.kind })
          .onConflict((conflict) => conflict.doNothing()),
    ),
    setEnrolment: prepare<{ device: string; secretHash: Uint8Array; expires: number }>(connection, (db, p) =>
      db
        .insertInto('enrolment')
        .values({ device: p.device, secret_hash: p.secretHash, key_hash: null, expires: p.expires })
        .onConflict((conflict) =>
          conflict.column('device').doUpdateSet((eb) => ({
            secret_hash: eb.ref('excluded.secret_hash'),
            key_hash: null,
            expires: eb.ref('excluded.expires'),
          })),
        ),
    ),
    /**
     * Binds the secret to the first key that comes with it, and says whether it fits, in one step: it opens for one
     * key only, which may ask again where the answer was lost.
     */
    spendEnrolment: prepare<{ device: string; secretHash: Uint8Array; keyHash: Uint8Array; at: number }>(
      connection,
      (db, p) =>
        db
          .updateTable('enrolment')
          .set({ key_hash: p.keyHash })
          .where('device', '=', p.device)
          .where('secret_hash', '=', p.secretHash)
          .where('expires', '>', p.at)
          .where((eb) => eb.or([eb('key_hash', 'is', null), eb('key_hash', '=', p.keyHash)])),
    ),
  };
}
