import { type Connection, prepare } from './database.ts';
import type { Schema } from './schema.ts';

/** A certificate, as a door must know it. Times: ms since 1970. */
export interface CertificateRow {
  readonly fingerprint: string;
  readonly subject: string;
  /** Null of one from before this was kept. */
  readonly issued: number | null;
  /** When it first proved somebody; null where it has not yet. */
  readonly used: number | null;
  readonly revoked: number | null;
  /** Why it was revoked; null also of one that was before reasons were kept. */
  readonly reason: Schema['certificate']['reason'];
}

/** A certificate of a gateway, as its owner is shown it. */
export interface IssuedCertificateRow extends CertificateRow {
  readonly serial: string;
  readonly expires: number;
  readonly issuer: string | null;
  readonly issuedFor: Schema['certificate']['issued_for'];
}

/** What a gateway has signed by its certificates. */
export interface CertificateKeyRow {
  readonly fingerprint: string;
  /** SPKI in DER; null of a certificate from before this was kept. */
  readonly publicKey: Uint8Array | null;
  readonly reason: Schema['certificate']['reason'];
}

export function certificateReads(connection: Connection) {
  const all = prepare<Record<never, never>, CertificateRow>(connection, (db) =>
    db.selectFrom('certificate').select(['fingerprint', 'subject', 'issued', 'used', 'revoked', 'reason']),
  );
  const ofGateway = prepare<{ gateway: string }, IssuedCertificateRow>(connection, (db, p) =>
    db
      .selectFrom('certificate')
      .select(['fingerprint', 'subject', 'issued', 'used', 'revoked', 'reason'])
      .select(['serial', 'expires', 'issuer', 'issued_for as issuedFor'])
      .where('subject', '=', p.gateway)
      .where((eb) => eb.or([eb('profile', 'is', null), eb('profile', '=', 'gateway')]))
      .orderBy('issued')
      .orderBy('fingerprint'),
  );
  const keysOf = prepare<{ gateway: string }, CertificateKeyRow>(connection, (db, p) =>
    db
      .selectFrom('certificate')
      .select(['fingerprint', 'public_key as publicKey', 'reason'])
      .where('subject', '=', p.gateway)
      .where('profile', '=', 'gateway')
      .orderBy('issued', 'desc')
      .orderBy('fingerprint'),
  );
  return {
    /** Every one that was issued. */
    certificates: (_: Record<never, never>): CertificateRow[] => all.all({}),

    /** Those that a gateway was given, in the order they were issued. */
    certificatesOf: (query: { gateway: string }): IssuedCertificateRow[] => ofGateway.all(query),

    /** The keys of those, the newest first. */
    certificateKeysOf: (query: { gateway: string }): CertificateKeyRow[] => keysOf.all(query),
  };
}
