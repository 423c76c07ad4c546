import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { IdentityError, identityError } from './errors.ts';
import { forge, toBinary, toDer, unixLines } from './forge.ts';
import { rsaFault, type Signer } from './keys.ts';
import { identityLimits } from './limits.ts';
import { distinguishedName, type Subject } from './request.ts';

/** What every certificate needs. Times are milliseconds since 1970, cut to whole seconds as X.509 has them. */
interface Issue {
  readonly notBefore: number;
  readonly notAfter: number;
  /** 8 to 20 random bytes; made positive here. Unguessable, so that two never meet and none can be prepared for. */
  readonly serial: Uint8Array;
}

/** Who signs: a certificate and the signer that holds its key. */
export interface Issuer {
  readonly certificatePem: string;
  readonly signer: Signer;
}

/**
 * What a certificate is good for.
 *
 * `authority`: issues others, with at most `pathLength` authorities between it and a holder (RFC 5280, section 4.2.1.9;
 * however many where it is left out); 0 issues to holders alone. `gateway`: TLS client only. `server`: TLS server only, for these names (RFC 6125:
 * host names and IP addresses, in subjectAltName). `voucher`: signs vouchers only (`voucher.ts`).
 */
export type Profile =
  | { readonly profile: 'authority'; readonly pathLength?: number }
  | { readonly profile: 'gateway' }
  | { readonly profile: 'voucher' }
  | {
      readonly profile: 'server';
      readonly dnsNames: readonly string[];
      readonly ipAddresses: readonly string[];
    };

export type CertificateOrder = Issue & Profile & { readonly subject: Subject; readonly issuer: Issuer };

/** A self-signed authority for the signer's key, as PEM: the root a fleet trusts. Throws `issuance-invalid`. */
export function createAuthority(options: Issue & { commonName: string; signer: Signer }): string {
  const { commonName, signer } = options;
  const subject = { commonName, publicKeyPem: signer.publicKeyPem };
  const certificate = draft({ ...options, subject, profile: 'authority' });
  certificate.setIssuer(certificate.subject.attributes);
  return sign(certificate, signer);
}

/**
 * Issues a certificate (RFC 5280) as PEM. Throws `issuance-invalid` where the order contradicts itself, or the
 * issuer is no authority, has another key than the signer, or ends before the certificate would; `key-malformed`
 * or `certificate-malformed` for a key or issuer that cannot be read.
 */
export function issueCertificate(order: CertificateOrder): string {
  const issuer = readIssuer(order.issuer);
  if (wholeSeconds(order.notAfter) > issuer.validity.notAfter.getTime()) {
    throw invalid(`it would outlive its issuer, which ends ${issuer.validity.notAfter.toISOString()}`);
  }
  const certificate = draft(order);
  certificate.setIssuer(issuer.subject.attributes);
  certificate.setExtensions([
    ...certificate.extensions,
    { name: 'authorityKeyIdentifier', keyIdentifier: subjectKeyId(issuer) },
  ]);
  return sign(certificate, order.issuer.signer);
}

function draft(order: Issue & Profile & { subject: Subject }): forge.pki.Certificate {
  const { subject, notBefore, notAfter } = order;
  if (!(wholeSeconds(notBefore) < wholeSeconds(notAfter))) throw invalid('it would end before it begins');
  const fault = rsaFault(readPublicKey(subject.publicKeyPem));
  if (fault !== undefined) throw invalid(`its key is refused: ${fault}`);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(subject.publicKeyPem);
  certificate.serialNumber = positiveSerial(order.serial);
  certificate.validity.notBefore = new Date(wholeSeconds(notBefore));
  certificate.validity.notAfter = new Date(wholeSeconds(notAfter));
  certificate.setSubject(distinguishedName(subject.commonName));
  certificate.setExtensions([...profileExtensions(order), { name: 'subjectKeyIdentifier' }]);
  return certificate;
}

function readPublicKey(pem: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch (cause) {
    throw identityError('key-malformed', "the subject's public key is not SPKI in PEM", cause);
  }
}

function sign(certificate: forge.pki.Certificate, signer: Signer): string {
  const algorithm = forge.pki.oids.sha256WithRSAEncryption as string;
  certificate.signatureOid = algorithm;
  certificate.siginfo.algorithmOid = algorithm;
  const tbs = forge.pki.getTBSCertificate(certificate);
  certificate.tbsCertificate = tbs;
  // By the signer, never by forge: its own arithmetic holds the event loop for 16 ms a signature.
  certificate.signature = toBinary(signer.sign(toDer(tbs)));
  return unixLines(forge.pki.certificateToPem(certificate));
}

function profileExtensions(order: Profile): object[] {
  const leaf = [
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true },
  ];
  switch (order.profile) {
    case 'authority':
      return [
        {
          ...{ name: 'basicConstraints', critical: true, cA: true },
          ...(order.pathLength !== undefined && { pathLenConstraint: order.pathLength }),
        },
        { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
      ];
    case 'gateway':
      return [...leaf, { name: 'extKeyUsage', clientAuth: true }];
    case 'voucher':
      // id-kp-trustAnchorConfigSigning (RFC 9809): what sdk/trust asks of the signer of a voucher.
      return [...leaf, { name: 'extKeyUsage', '1.3.6.1.5.5.7.3.42': true }];
    case 'server':
      return [
        ...leaf,
        { name: 'extKeyUsage', serverAuth: true },
        { name: 'subjectAltName', altNames: alternativeNames(order) },
      ];
  }
}

/** GeneralName: 2 is dNSName, 7 is iPAddress (RFC 5280, section 4.2.1.6). */
function alternativeNames(names: { dnsNames: readonly string[]; ipAddresses: readonly string[] }): object[] {
  if (names.dnsNames.length + names.ipAddresses.length === 0)
    throw invalid('a server needs at least one name');
  for (const name of names.dnsNames) {
    if (!/^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})$/.test(name)) throw invalid(`'${name}' is not a host name`);
  }
  for (const address of names.ipAddresses) {
    // forge cannot read the dotted tail of ::ffff:192.0.2.1, and would write nonsense.
    if (isIP(address) === 0 || (address.includes(':') && /[.%]/.test(address))) {
      throw invalid(`'${address}' is not an IP address (IPv6 without a zone and without a dotted tail)`);
    }
  }
  return [
    ...names.dnsNames.map((value) => ({ type: 2, value })),
    ...names.ipAddresses.map((ip) => ({ type: 7, ip })),
  ];
}

function readIssuer({ certificatePem, signer }: Issuer): forge.pki.Certificate {
  let known: X509Certificate;
  try {
    known = new X509Certificate(certificatePem);
  } catch (cause) {
    throw identityError('certificate-malformed', "the issuer's certificate is unreadable", cause);
  }
  if (!known.ca) throw invalid('its issuer is not an authority');
  if (!known.publicKey.equals(createPublicKey(signer.publicKeyPem))) {
    throw invalid("the signer's key is not that of the issuer's certificate");
  }
  return forge.pki.certificateFromPem(certificatePem);
}

/** Taken from the issuer's own extension: authorityKeyIdentifier must say the same, however it was computed. */
function subjectKeyId(issuer: forge.pki.Certificate): string {
  const extension = issuer.getExtension('subjectKeyIdentifier') as
    | { subjectKeyIdentifier?: string }
    | undefined;
  if (extension?.subjectKeyIdentifier === undefined) throw invalid('its issuer has no subjectKeyIdentifier');
  return forge.util.hexToBytes(extension.subjectKeyIdentifier);
}

function positiveSerial(random: Uint8Array): string {
  const { min, max } = identityLimits.serialBytes;
  if (random.length < min || random.length > max) {
    throw invalid(`its serial has ${random.length} bytes, and must have ${min} to ${max}`);
  }
  const bytes = Buffer.from(random);
  // The top bit is the sign; the next one is set so that no leading byte is ever redundant.
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function wholeSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000) * 1000;
}

function invalid(what: string): IdentityError {
  return new IdentityError('issuance-invalid', `the certificate is not issued: ${what}`);
}
