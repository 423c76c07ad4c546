/**
 * The messages of EST (RFC 7030, with RFC 8951 for the base64) that the HTTPS door takes and gives. Pure: the door
 * has the routes, the store the secrets.
 *
 *     GET  /.well-known/est/cacerts        -> the authority's certificates
 *     POST /.well-known/est/simpleenroll   Authorization: Basic base64(gateway id ":" one-time secret)
 *                                          Content-Type: application/pkcs10, base64 of the request's DER
 *                                          -> the gateway's certificate
 *     POST /.well-known/est/simplereenroll over TLS with the certificate that is to be followed; the same otherwise
 *     GET  /.well-known/est/csrattrs       -> which requests are taken
 *     certificates come as 200, application/pkcs7-mime; smime-type=certs-only, base64 of a PKCS#7 without signatures
 */

import { encodeCertsOnly, encodeCsrAttributes, IdentityError, identityLimits } from '@loadline/sdk/identity';
import { Secret } from '@loadline/sdk/platform';

export interface EstResponse {
  readonly status: 200;
  readonly headers: { readonly 'content-type': string; readonly 'content-transfer-encoding': 'base64' };
  readonly body: string;
}

export interface EnrolmentCredentials {
  readonly gatewayId: string;
  readonly secret: Secret;
}

/** Bytes of a simpleenroll body that the door needs to accept. */
export const simpleEnrollBodyBytes = identityLimits.enrolBodyBytes;

/**
 * The DER of the request in a simpleenroll body: base64, with or without line breaks of any kind. What the DER holds is
 * for `issueGateway` to check. Throws IdentityError `request-malformed`.
 */
export function parseSimpleEnroll(body: string | Uint8Array): Uint8Array {
  if (body.length > simpleEnrollBodyBytes) {
    throw refused(`it has ${body.length} bytes, and ${simpleEnrollBodyBytes} are accepted`);
  }
  const text = (typeof body === 'string' ? body : Buffer.from(body).toString('latin1')).replace(/\s+/g, '');
  if (text.startsWith('-----BEGIN')) {
    throw refused("it is PEM; send base64 of the DER alone ('openssl req -outform DER | base64')");
  }
  // Buffer.from takes anything for base64 and drops what it does not know.
  if (text.length === 0 || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) {
    throw refused("it is not base64 of a DER request ('openssl req -outform DER | base64')");
  }
  return Buffer.from(text, 'base64');
}

/** The gateway id and secret of an Authorization header (RFC 7617); undefined for everything else. */
export function parseEnrolmentCredentials(
  authorization: string | undefined,
): EnrolmentCredentials | undefined {
  const base64 = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization ?? '')?.[1];
  if (base64 === undefined) return undefined;
  const [, gatewayId, secret] = /^([^:]+):(.+)$/s.exec(Buffer.from(base64, 'base64').toString('utf8')) ?? [];
  return gatewayId === undefined || secret === undefined
    ? undefined
    : { gatewayId, secret: new Secret(secret) };
}

/**
 * The answer to simpleenroll and simplereenroll: the issued certificate and nothing else (RFC 7030, section 4.2.3). There
 * are clients that refuse an answer with several; those between it and the roots are told by cacerts.
 */
export function simpleEnrollResponse(certificatePem: string): EstResponse {
  return certsOnly([certificatePem]);
}

/** The answer to cacerts: the root, and the authorities between it and the gateways (RFC 7030, section 4.1.3). */
export function caCertsResponse(authorityPems: readonly string[]): EstResponse {
  return certsOnly(authorityPems);
}

/**
 * The answer to csrattrs (RFC 7030, section 4.5.2; RFC 8951, section 3): which requests are taken at all. An RSA key of 2048
 * bits and a signature with SHA-256; what else a request asks for is not looked at.
 */
export function csrAttributesResponse(): EstResponse {
  return {
    status: 200,
    headers: { 'content-type': 'application/csrattrs', 'content-transfer-encoding': 'base64' },
    body: encodeCsrAttributes(),
  };
}

function certsOnly(pems: readonly string[]): EstResponse {
  return {
    status: 200,
    headers: {
      'content-type': 'application/pkcs7-mime; smime-type=certs-only',
      'content-transfer-encoding': 'base64',
    },
    body: encodeCertsOnly(pems),
  };
}

function refused(what: string): IdentityError {
  return new IdentityError('request-malformed', `the body of the enrolment is refused: ${what}`);
}
