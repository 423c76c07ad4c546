import type { ExpressionBuilder } from 'kysely';
import { type Connection, prepare } from './database.ts';
import type { EndOfCertificate, IssuedFor } from './identity-schema.ts';
import type { Schema } from './schema.ts';

/** Not ended for good: what is held back after a restore still can be. */
const isOpenEnded = (eb: ExpressionBuilder<Schema, 'certificate'>) =>
  eb.or([eb('revoked', 'is', null), eb('reason', '=', 'restored')]);

/** Steps of certificates. What has ended for good stays so. Times: ms since 1970. */
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
          .where(isOpenEnded),
    ),
    /** Ends what a gateway was given since then for the certificate it had, and has not used yet. */
    endUnusedRenewals: prepare<{ subject: string; since: number; at: number }>(connection, (db, p) =>
      db
        .updateTable('certificate')
        .set({ revoked: p.at, reason: 'revoked' })
        .where('subject', '=', p.subject)
        .where('issued_for', '=', 'certificate')
        .where('issued', '>=', p.since)
        .where('used', 'is', null)
        .where(isOpenEnded),
    ),
    /** Has one open again that is held back. Changes nothing where it is not, or its time is over. */
    readmitCertificate: prepare<{ fingerprint: string; at: number }>(connection, (db, p) =>
      db
        .updateTable('certificate')
        .set({ revoked: null, reason: null })
        .where('fingerprint', '=', p.fingerprint)
        .where('reason', '=', 'restored')
        .where('expires', '>', p.at),
    ),
    /** Ends all that an issuer (its fingerprint) has issued. */
    endCertificatesOfIssuer: prepare<{ issuer: string; at: number }>(connection, (db, p) =>
      db
        .updateTable('certificate')
        .set({ revoked: p.at, reason: 'revoked' })
        .where('issuer', '=', p.issuer)
        .where('fingerprint', '<>', p.issuer)
        .where(isOpenEnded),
    ),
    /** Ends all that a gateway has, as when it is retired. */
    endCertificates: prepare<{ subject: string; at: number; reason: EndOfCertificate }>(connection, (db, p) =>
      db
        .updateTable('certificate')
        .set({ revoked: p.at, reason: p.reason })
        .where('subject', '=', p.subject)
        .where(isOpenEnded),
    ),
  };
}
