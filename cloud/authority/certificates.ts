import { X509Certificate } from 'node:crypto';
import { type CertificateDetails, certificateDetails } from '@loadline/sdk/identity';

/** A certificate with what is asked of it again and again. */
export interface Certificate {
  /** PEM, with nothing before and after it but the line break at its end. */
  readonly pem: string;
  readonly x509: X509Certificate;
  readonly details: CertificateDetails;
}

/** @throws IdentityError `certificate-malformed` */
export function readCertificate(pem: string): Certificate {
  const details = certificateDetails(pem);
  const x509 = new X509Certificate(pem);
  return { pem: x509.toString(), x509, details };
}

/** Every certificate of a text, in its order. @throws IdentityError `certificate-malformed` */
export function readCertificates(text: string): Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map(readCertificate);
}

/** Whether one signed the other: names and key identifiers fit, it is an authority, and the signature is good. */
export function hasSigned(issuer: Certificate, certificate: Certificate): boolean {
  return (
    issuer.x509.ca &&
    certificate.x509.checkIssued(issuer.x509) &&
    certificate.x509.verify(issuer.x509.publicKey)
  );
}

/** Whether it is an authority that vouches for itself. */
export function isRoot(certificate: Certificate): boolean {
  return hasSigned(certificate, certificate);
}

/** Whether both are for the same name and key: a root, and its key certified by another. */
export function isSameAuthority(one: Certificate, other: Certificate): boolean {
  return one.x509.subject === other.x509.subject && one.x509.publicKey.equals(other.x509.publicKey);
}
