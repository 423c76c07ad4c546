/**
 * Certificates in a PKCS#7 SignedData that signs nothing: how EST carries them (RFC 7030, section 4.1.3; RFC 5652,
 * section 5; RFC 8951 for the base64).
 *
 *     ContentInfo
 *       contentType     1.2.840.113549.1.7.2 (signedData)
 *       content [0]     SignedData
 *         version           1
 *         digestAlgorithms  empty set
 *         encapContentInfo  1.2.840.113549.1.7.1 (data), no content
 *         certificates [0]  the certificates, as they are
 *         signerInfos       empty set
 */
import { X509Certificate } from 'node:crypto';
import { IdentityError, identityError, reason } from './errors.ts';
import { forge, fromDer, toDer } from './forge.ts';
import { identityLimits } from './limits.ts';

/** The certificates (PEM) as base64 DER in lines of 64, ending with a line break. */
export function encodeCertsOnly(certificatePems: readonly string[]): string {
  const message = forge.pkcs7.createSignedData();
  for (const pem of certificatePems) message.addCertificate(pem);
  const base64 = Buffer.from(toDer(message.toAsn1())).toString('base64');
  return base64.replace(/.{1,64}/g, '$&\n');
}

/** The certificates of a message, as PEM, in its order (which means nothing). Throws `certs-only-malformed`. */
export function decodeCertsOnly(base64: string): string[] {
  if (base64.length > identityLimits.certsOnlyBytes || !/^[A-Za-z0-9+/\s]+=*\s*$/.test(base64)) {
    throw new IdentityError('certs-only-malformed', 'the PKCS#7 message is too long or not base64');
  }
  try {
    const message = forge.pkcs7.messageFromAsn1(fromDer(Buffer.from(base64, 'base64')));
    if (!('certificates' in message)) throw new Error('it is not SignedData');
    return message.certificates.map((certificate) =>
      new X509Certificate(toDer(forge.pki.certificateToAsn1(certificate))).toString(),
    );
  } catch (cause) {
    throw identityError('certs-only-malformed', `the PKCS#7 message is unreadable: ${reason(cause)}`, cause);
  }
}
