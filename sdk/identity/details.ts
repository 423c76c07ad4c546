import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { IdentityError, identityError } from './errors.ts';

/** What a certificate says, in the forms that are compared, stored and shown. */
export interface CertificateDetails {
  readonly commonName: string;
  /** SHA-256 of the DER, 64 lower-case hex digits. */
  readonly fingerprint: string;
  /** Lower-case hex. */
  readonly serial: string;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  /** Milliseconds since 1970. */
  readonly notAfter: number;
  /** SPKI in PEM. */
  readonly publicKeyPem: string;
}

/**
 * Reads one certificate, PEM or DER (what `getPeerCertificate().raw` gives). Nothing is verified. Throws
 * `certificate-malformed`, also for a subject without or with several common names.
 */
export function certificateDetails(pemOrDer: string | Uint8Array): CertificateDetails {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pemOrDer);
  } catch (cause) {
    throw identityError('certificate-malformed', 'this is not an X.509 certificate in PEM or DER', cause);
  }
  const commonName = certificate.toLegacyObject().subject.CN as string | string[] | undefined;
  if (typeof commonName !== 'string') {
    throw new IdentityError('certificate-malformed', 'the certificate does not have exactly one common name');
  }
  return {
    commonName,
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    serial: certificate.serialNumber.toLowerCase(),
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
    publicKeyPem: certificate.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

/**
 * SHA-256 of a public key (the DER of its SPKI), 64 lower-case hex digits: what people compare before they sign for it,
 * and the same in a request and in every certificate for that key.
 */
export function keyFingerprint(publicKeyPem: string): string {
  const spki = createPublicKey(publicKeyPem).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('hex');
}
