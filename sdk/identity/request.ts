import { createPublicKey, verify } from 'node:crypto';
import { type IdentityError, identityError, reason } from './errors.ts';
import { forge, fromDer, pemToDer, toBinary, toDer, unixLines } from './forge.ts';
import { rsaFault, type Signer } from './keys.ts';
import { identityLimits } from './limits.ts';

/** Who a certificate is for: what a request asks for, once it has been checked. */
export interface Subject {
  readonly commonName: string;
  /** SPKI in PEM. */
  readonly publicKeyPem: string;
}

/** AlgorithmIdentifiers in DER, in hex, with the NULL they must carry (RFC 4055, section 5), and their hashes. */
const hashes = new Map([
  ['300d06092a864886f70d01010b0500', 'sha256'],
  ['300d06092a864886f70d01010c0500', 'sha384'],
  ['300d06092a864886f70d01010d0500', 'sha512'],
]);

/** A PKCS#10 request (RFC 2986) for `commonName` and the signer's key, as PEM. */
export function createSigningRequest(options: { commonName: string; signer: Signer }): string {
  const { commonName, signer } = options;
  const request = forge.pki.createCertificationRequest();
  request.publicKey = forge.pki.publicKeyFromPem(signer.publicKeyPem);
  request.setSubject(distinguishedName(commonName));
  const info = forge.pki.getCertificationRequestInfo(request);
  const algorithm = forge.pki.oids.sha256WithRSAEncryption as string;
  request.certificationRequestInfo = info;
  request.signatureOid = algorithm;
  request.siginfo.algorithmOid = algorithm;
  request.signature = toBinary(signer.sign(toDer(info)));
  return unixLines(forge.pki.certificationRequestToPem(request));
}

/** A subject of one common name, in the form forge takes. */
export function distinguishedName(commonName: string): forge.pki.CertificateField[] {
  return [
    {
      name: 'commonName',
      value: commonName,
      // The types know the classes of tags where forge takes a tag.
      valueTagClass: forge.asn1.Type.UTF8 as unknown as forge.asn1.Class,
    },
  ];
}

/**
 * Reads a PKCS#10 request, PEM or DER, and checks all that it says for itself: DER throughout, one common name and
 * nothing else as its subject, an RSA key of an accepted size, and a signature by that key (SHA-256, 384 or
 * 512). Extensions it asks for are ignored: the authority's profile decides. Whether the sender may have that
 * name is the caller's question. Throws `request-malformed`.
 */
export function readSigningRequest(pemOrDer: string | Uint8Array): Subject {
  const der = typeof pemOrDer === 'string' ? pemToDer(pemOrDer, '(?:NEW )?CERTIFICATE REQUEST') : pemOrDer;
  if (der === undefined) throw malformed('it holds no PEM block CERTIFICATE REQUEST');
  if (der.length > identityLimits.requestBytes) {
    throw malformed(`it has ${der.length} bytes, and ${identityLimits.requestBytes} are accepted`);
  }
  const { request, info, algorithm } = parse(der);
  const publicKey = readPublicKey(info);
  const fault = rsaFault(publicKey);
  if (fault !== undefined) throw malformed(`its key is refused: ${fault}`);
  const hash = hashes.get(Buffer.from(toDer(algorithm)).toString('hex'));
  if (hash === undefined) throw malformed('its signature is not RSA with SHA-256, SHA-384 or SHA-512');
  if (!verify(hash, toDer(info), publicKey, Buffer.from(String(request.signature), 'latin1'))) {
    throw malformed('its signature does not verify: it was altered, or signed by another key');
  }
  return {
    commonName: readCommonName(request.subject.attributes),
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

/** CertificationRequest ::= SEQUENCE { info, algorithm, signature } (RFC 2986, section 4.2). */
function parse(der: Uint8Array) {
  try {
    const structure = fromDer(der);
    const request = forge.pki.certificationRequestFromAsn1(structure);
    const [info, algorithm] = structure.value as [forge.asn1.Asn1, forge.asn1.Asn1];
    return { request, info, algorithm };
  } catch (cause) {
    throw malformed(`it is not a PKCS#10 request with an RSA key (${reason(cause)})`, cause);
  }
}

/** By OpenSSL from the request's own bytes: forge's numbers take no part in the check of the signature. */
function readPublicKey(info: forge.asn1.Asn1) {
  try {
    const keyInfo = (info.value as forge.asn1.Asn1[])[2] as forge.asn1.Asn1;
    return createPublicKey({ key: Buffer.from(toDer(keyInfo)), format: 'der', type: 'spki' });
  } catch (cause) {
    throw malformed(`its public key is unreadable (${reason(cause)})`, cause);
  }
}

function readCommonName(attributes: readonly forge.pki.CertificateField[]): string {
  const [attribute, ...others] = attributes;
  if (attribute === undefined || others.length > 0 || attribute.shortName !== 'CN') {
    throw malformed('its subject must be one common name and nothing else, like /CN=gateway-1');
  }
  const name = attribute.value;
  // Printable ASCII only: what looks alike, is cut at a NUL, or reads from the right must not pass as a name.
  if (typeof name !== 'string' || !/^[\x20-\x7e]+$/.test(name)) {
    throw malformed('its common name is not printable ASCII');
  }
  if (name.length > identityLimits.commonNameCharacters) {
    throw malformed(`its common name is longer than ${identityLimits.commonNameCharacters} characters`);
  }
  return name;
}

function malformed(what: string, cause?: unknown): IdentityError {
  return identityError('request-malformed', `the certificate request is refused: ${what}`, cause);
}
