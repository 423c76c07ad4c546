/**
 * A gateway's certificates from the gateway's side. The first by EST simpleenroll (RFC 7030, section 4.2), authorised by a
 * one-time secret; the next ones by simplereenroll, authorised by the certificate that the connection shows.
 *
 *     POST /.well-known/est/simpleenroll        Authorization: Basic base64(gateway id ":" secret)
 *     POST /.well-known/est/simplereenroll      over TLS with the client certificate that is to be followed
 *     Content-Type: application/pkcs10          base64 of the request's DER
 */
import type { X509Certificate } from 'node:crypto';
import { type CertificateDetails, certificateDetails } from './details.ts';
import { IdentityError } from './errors.ts';
import { askEst, type EstServer, trustedIn, wrongAnswer } from './est.ts';
import { pemToDer } from './forge.ts';
import { readSigningRequest } from './request.ts';

interface Wanted extends EstServer {
  readonly gatewayId: string;
  /** The PKCS#10 request, PEM; its common name is the gateway id. */
  readonly requestPem: string;
}

export interface EnrolOptions extends Wanted {
  /** The one-time enrolment secret. Sent once, inside TLS, and never logged. */
  readonly secret: string;
}

export interface ReenrolOptions extends Wanted {
  /** Connects with the certificate that is to be followed by another. */
  readonly connect: NonNullable<EstServer['connect']>;
}

export interface Enrolment {
  /** Our certificate, then the intermediates it needs, without the root: what TLS wants as `cert`. */
  readonly chainPem: string;
  readonly certificate: CertificateDetails;
}

/**
 * Enrols, and returns the chain only after it was seen to be for our key and our name, and signed up to the given
 * authority. Its times are not judged: a gateway's clock may not be set yet.
 *
 * Throws `IdentityError`: `enrolment-refused` (secret wrong or used: a person must act), `request-malformed`,
 * `enrolment-unavailable` (try again), `enrolment-untrusted` (wrong server, authority or clock) `enrolment-malformed` (not EST, or
 * not our certificate), or `certificate-malformed` (the given authority is none).
 */
export async function enrol(options: EnrolOptions): Promise<Enrolment> {
  const credentials = Buffer.from(`${options.gatewayId}:${options.secret}`).toString('base64');
  return await certified(options, 'simpleenroll', `Basic ${credentials}`);
}

/**
 * The same by the certificate that the connection shows, the key of which the handshake has proven; the request may be for
 * another key. Throws as `enrol` does; `enrolment-refused` is for a certificate that opens nothing any more.
 */
export async function reenrol(options: ReenrolOptions): Promise<Enrolment> {
  return await certified(options, 'simplereenroll', undefined);
}

async function certified(
  options: Wanted,
  operation: 'simpleenroll' | 'simplereenroll',
  authorization: string | undefined,
): Promise<Enrolment> {
  const { gatewayId, requestPem, authorityPem } = options;
  const wanted = readSigningRequest(requestPem);
  if (wanted.commonName !== gatewayId) {
    throw new IdentityError(
      'request-malformed',
      `the request is for '${wanted.commonName}', and this gateway is '${gatewayId}'`,
    );
  }
  const request = pemToDer(requestPem, '(?:NEW )?CERTIFICATE REQUEST') as Uint8Array;
  const received = await askEst(options, { operation, request, authorization });
  const ours = received.find((each) => spki(each) === wanted.publicKeyPem);
  if (ours === undefined) throw wrongAnswer('it holds no certificate for our key');
  const certificate = certificateDetails(ours.raw);
  if (certificate.commonName !== gatewayId) {
    throw wrongAnswer(`the certificate is for '${certificate.commonName}', not '${gatewayId}'`);
  }
  const trusted = trustedIn(authorityPem);
  // An answer holds our certificate alone (section 4.2.3): what it needs besides is told by cacerts.
  const chainPem =
    chain(ours, received, trusted) ?? chain(ours, await askEst(options, { operation: 'cacerts' }), trusted);
  if (chainPem === undefined) {
    throw wrongAnswer('our certificate was not issued under the trusted authority');
  }
  return { chainPem, certificate };
}

/** From our certificate up to, and without, one that a trusted authority signed; undefined where there is no way to one. */
function chain(
  ours: X509Certificate,
  others: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
): string | undefined {
  const links = [ours];
  let last = ours;
  while (!trusted.some((authority) => signed(authority, last))) {
    const next = others.find((each) => !links.includes(each) && signed(each, last));
    if (next === undefined) return undefined;
    links.push(next);
    last = next;
  }
  return links.map(String).join('');
}

function signed(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function spki(certificate: X509Certificate): string {
  return certificate.publicKey.export({ type: 'spki', format: 'pem' }).toString();
}
