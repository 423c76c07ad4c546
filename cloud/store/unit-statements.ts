import { type Connection, prepare } from './database.ts';
import type { IdentityTables } from './identity-schema.ts';

/** Steps of the boards that gateways run on, of how they were provisioned, and of how devices end. Times: ms since 1970. */
export function unitStatements(connection: Connection) {
  return {
    /** Makes it the organisation's, with that counter. Changes nothing where it is another's, or its counter has gone on. */
    claimUnit: prepare<{ serial: string; organisation: string; counter: number; at: number }>(
      connection,
      (db, p) =>
        db
          .insertInto('unit')
          .values({
            serial: p.serial,
            organisation: p.organisation,
            counter: p.counter,
            device: null,
            claimed: p.at,
          })
          .onConflict((conflict) =>
            conflict
              .column('serial')
              .doUpdateSet((eb) => ({
                organisation: eb.ref('excluded.organisation'),
                counter: eb.ref('excluded.counter'),
                claimed: eb.fn.coalesce('unit.claimed', 'excluded.claimed'),
              }))
              .whereRef('excluded.counter', '>', 'unit.counter')
              .where((eb) =>
                eb.or([
                  eb('unit.organisation', 'is', null),
                  eb('unit.organisation', '=', eb.ref('excluded.organisation')),
                ]),
              ),
          ),
    ),
    /** Says which gateway it is now; changes nothing where it is not the organisation's. */
    placeUnit: prepare<{ serial: string; organisation: string; device: number }>(connection, (db, p) =>
      db
        .updateTable('unit')
        .set({ device: p.device })
        .where('serial', '=', p.serial)
        .where('organisation', '=', p.organisation),
    ),
    /** The counter stays: whatever was signed for who had it is stale for who has it next. */
    releaseUnit: prepare<{ serial: string; organisation: string }>(connection, (db, p) =>
      db
        .updateTable('unit')
        .set({ organisation: null, device: null, claimed: null })
        .where('serial', '=', p.serial)
        .where('organisation', '=', p.organisation),
    ),
    addProvisioning: prepare<IdentityTables['provisioning']>(connection, (db, p) =>
      db.insertInto('provisioning').values({
        id: p.id,
        device: p.device,
        organisation: p.organisation,
        at: p.at,
        serial: p.serial,
        actor: p.actor,
        record: p.record,
        signature: p.signature,
        fingerprint: p.fingerprint,
      }),
    ),
    /** Switches a device off for good. Changes nothing where it is so already. */
    retireDevice: prepare<{ id: string; at: number }>(connection, (db, p) =>
      db
        .updateTable('device')
        .set({ retired: p.at, enabled: 0 })
        .where('id', '=', p.id)
        .where('retired', 'is', null),
    ),
    revokeCredentialsOf: prepare<{ device: number }>(connection, (db, p) =>
      db
        .updateTable('device_credential')
        .set({ status: 'revoked' })
        .where('device', '=', p.device)
        .where('status', '<>', 'revoked'),
    ),
    /** Ends its one-time enrolment secret, if a key has been let in by it: that key is not let in by it again. */
    endSpentEnrolment: prepare<{ device: string }>(connection, (db, p) =>
      db.deleteFrom('enrolment').where('device', '=', p.device).where('key_hash', 'is not', null),
    ),
    /** Ends its one-time enrolment secret, spent or not. */
    endEnrolment: prepare<{ device: string }>(connection, (db, p) =>
      db.deleteFrom('enrolment').where('device', '=', p.device),
    ),
    /** Commands that wait will never be answered: they expire now, and say why. */
    endCommands: prepare<{ device: number; at: number; detail: string }>(connection, (db, p) =>
      db
        .updateTable('command')
        .set({ outcome: 'expired', detail: p.detail, finished: p.at })
        .where('device', '=', p.device)
        .where('outcome', 'is', null),
    ),
  };
}
