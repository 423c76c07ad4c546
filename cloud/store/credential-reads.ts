import { type Connection, prepare } from './database.ts';
import type { CredentialKind } from './device-schema.ts';

/** What a device proves itself by, as the store has it. Times: ms since 1970. */
export interface CredentialRow {
  readonly id: string;
  /** Row number of the device. */
  readonly device: number;
  readonly kind: CredentialKind;
  readonly name: string;
  /** SHA-256 of a token; null for keys. */
  readonly hash: Uint8Array | null;
  /** Of keys: version of the `derive` ring. */
  readonly version: string | null;
  readonly status: 'active' | 'inactive' | 'revoked';
  /** Of one made to take the place of another: that one's id. */
  readonly replaces: string | null;
  readonly created: number;
  readonly expires: number | null;
  readonly used: number | null;
  /** Of socket keys: the highest counter that was taken, -1 before the first. */
  readonly counter: number;
}

export function credentialReads(connection: Connection) {
  const all = prepare<Record<never, never>, CredentialRow>(connection, (db) =>
    db.selectFrom('device_credential').selectAll().orderBy('created').orderBy('id'),
  );
  return {
    /** Every one of every device, in the order they were made. */
    deviceCredentials: (_: Record<never, never>): CredentialRow[] => all.all({}),
  };
}
