import { type Connection, prepare } from './database.ts';
import type { EndOfCertificate, IssuedFor } from './identity-schema.ts';
import type { Schema } from './schema.ts';

/** Steps of certificates. What has ended once stays so. Times: ms since 1970. */
export function certificateStatements(connection: Connection) {
  return {
    addCertificate: prepare<{
      fingerprint: string;
      subject: string;
      serial: string;
      expires: number;
      profile: Schema['certificate']['profile'];
      issued: number;
      issuer: string | null;
      issuedFor: IssuedFor;
      publicKey: Uint8Array;
    }>(connection, (db, p) =>
      db.insertInto('certificate').values({
        fingerprint: p.fingerprint,
        subject: p.subject,
        serial: p.serial,
        expires: p.expires,
        profile: p.profile,
        issued: p.issued,
        issuer: p.issuer,
        issued_for: p.issuedFor,
        public_key: p.publicKey,
      }),
    ),
    noteCertificateUse: prepare<{ fingerprint: string; at: number }>(connection, (db, p) =>
      db
        .updateTable('certificate')
        .set({ used: p.at })
        .where('fingerprint', '=', p.fingerprint)
        .where('used', 'is', null),
    ),
    endCertificate: prepare<{ fingerprint: string; at: number; reason: EndOfCertificate }>(
      connection,
      (db, p) =>
        db
          .updateTable('certificate')
          .set({ revoked: p.at, reason: p.reason })
          .where('fingerprint', '=', p.fingerprint)
          .where('revoked', 'is', null),
    ),
    /** Ends all that an issuer (its fingerprint) has issued. */
    endCertificatesOfIssuer: prepare<{ issuer: string; at: number }>(connection, (db, p) =>
      db
        .updateTable('certificate')
        .set({ revoked: p.at, reason: 'revoked' })
        .where('issuer', '=', p.issuer)
        .where('fingerprint', '<>', p.issuer)
        .where('revoked', 'is', null),
    ),
    /** Ends all that a gateway has, as when it is retired. */
    endCertificates: prepare<{ subject: string; at: number; reason: EndOfCertificate }>(connection, (db, p) =>
      db
        .updateTable('certificate')
        .set({ revoked: p.at, reason: p.reason })
        .where('subject', '=', p.subject)
        .where('revoked', 'is', null),
    ),
  };
}
