import { type Connection, prepare } from './database.ts';

/** A board that a gateway runs on. Times: ms since 1970. */
export interface UnitRow {
  readonly serial: string;
  /** Null where it is nobody's. */
  readonly organisation: string | null;
  readonly counter: number;
  /** Row number of the gateway that it is. */
  readonly device: number | null;
  readonly claimed: number | null;
}

/** How a gateway was provisioned. */
export interface ProvisioningRow {
  readonly id: string;
  readonly at: number;
  readonly serial: string;
  readonly actor: { readonly kind: string; readonly id: string };
  readonly record: string;
  readonly signature: Uint8Array;
  readonly fingerprint: string;
}

export function unitReads(connection: Connection) {
  const unit = prepare<{ serial: string }, UnitRow>(connection, (db, p) =>
    db.selectFrom('unit').selectAll().where('serial', '=', p.serial),
  );
  const units = prepare<{ organisation: string }, UnitRow>(connection, (db, p) =>
    db.selectFrom('unit').selectAll().where('organisation', '=', p.organisation).orderBy('serial'),
  );
  const provisionings = prepare<
    { device: number },
    Omit<ProvisioningRow, 'actor'> & { readonly actor: string }
  >(connection, (db, p) =>
    db
      .selectFrom('provisioning')
      .select(['id', 'at', 'serial', 'actor', 'record', 'signature', 'fingerprint'])
      .where('device', '=', p.device)
      .orderBy('at', 'desc')
      .orderBy('id'),
  );
  const received = prepare<{ device: number; epoch: string; number: number }, { first: number }>(
    connection,
    (db, p) =>
      db
        .selectFrom('received_range')
        .innerJoin('epoch', 'epoch.number', 'received_range.epoch')
        .select('received_range.first')
        .where('epoch.device', '=', p.device)
        .where('epoch.epoch', '=', p.epoch)
        .where('received_range.first', '<=', p.number)
        .where('received_range.last', '>=', p.number),
  );
  return {
    unit: (query: { serial: string }): UnitRow | undefined => unit.first(query),
    /** Those of an organisation, by serial number. */
    units: (query: { organisation: string }): UnitRow[] => units.all(query),
    /** Of a device, the newest first. */
    provisionings: (query: { device: number }): ProvisioningRow[] =>
      provisionings.all(query).map((row) => ({ ...row, actor: JSON.parse(row.actor) })),
    /** Whether this number of an epoch of a device is committed. */
    isReceived: (query: { device: number; epoch: string; number: number }): boolean =>
      received.first(query) !== undefined,
  };
}
