import { Buffer } from 'node:buffer';
// These two and what they need, and not the whole of it: forge has a TLS, an HTTP and an SSH of its own besides.
import 'node-forge/lib/pkcs7.js';
import 'node-forge/lib/x509.js';
import forge from 'node-forge/lib/forge.js';

// Exported by node-forge 1.4, missing in its types. They give the bytes to be signed, so that the
// signature can be made elsewhere than in forge.
declare module 'node-forge' {
  namespace pki {
    function getTBSCertificate(certificate: Certificate): asn1.Asn1;
    function getCertificationRequestInfo(request: CertificateSigningRequest): asn1.Asn1;
  }
}

/** Bytes to the binary strings that forge works on. */
export function toBinary(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** The DER bytes of a forge structure. */
export function toDer(structure: forge.asn1.Asn1): Uint8Array {
  return Buffer.from(forge.asn1.toDer(structure).getBytes(), 'latin1');
}

/**
 * Reads DER, and nothing else: an encoding that forge would write differently is refused, so that what is
 * taken out of the structure later is byte for byte what was signed. Throws forge's own errors.
 */
export function fromDer(der: Uint8Array): forge.asn1.Asn1 {
  const structure = forge.asn1.fromDer(toBinary(der));
  if (Buffer.compare(toDer(structure), der) !== 0) throw new Error('the encoding is not DER');
  return structure;
}

/** The DER of the first PEM block labelled `label`; undefined where there is none. */
export function pemToDer(pem: string, label: string): Uint8Array | undefined {
  const block = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`).exec(
    pem,
  )?.[1];
  return block === undefined ? undefined : Buffer.from(block, 'base64');
}

/** forge writes PEM with CR LF; everything else on our systems writes LF. */
export function unixLines(pem: string): string {
  return pem.replaceAll('\r\n', '\n');
}

export { forge };
